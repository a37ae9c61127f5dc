"""A search on a Ray cluster of two nodes on this machine: lost nodes, throughput, overhead.

    python benchmarks/ray_cluster.py [--trials 200] [--rounds 5] [--work 3000000] [--json PATH]

Each node has one CPU and processes of its own, as on another machine.

1. A search on both, where another node joins after a quarter of the trials, and all processes of
   one are killed after half; its trials against those of the same search in this process, how
   often each was recorded, and how many each worker did.
2. Evaluations a second, which only compute, with two workers and with one, in turn.
3. Milliseconds of an evaluation that does nothing, one after another: with this executor, as a
   bare Ray task, as a call of a bare Ray actor, and with worker processes of this machine
   (`executor=process`), in turn, each while no other holds a CPU of the cluster.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import json
import logging
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import made_up

from nasir.apps.search import search as api
from nasir.core.evaluator import Problem
from nasir.core.executor import ExecutorFactory
from nasir.core.trial import FULL, Proposal, Trial
from nasir.engine.evaluation import evaluate_trial
from nasir.executors.process import Process
from nasir.executors.ray import Ray
from nasir.runs.run import Run

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from processes import descendants

# Ray takes 127.0.0.1 for the address of the machine's network
HEAD, OTHER, JOINING = "127.0.0.2", "127.0.0.3", "127.0.0.4"


@attrs.define
class Node:
    """The processes of one node."""

    process: subprocess.Popen[bytes]

    def kill(self) -> int:
        """Kill all of them at once, as a power cut would; returns how many there were."""
        numbers = [self.process.pid, *descendants(self.process.pid)]
        for number in numbers:
            os.kill(number, signal.SIGSTOP)  # so that none notices the others' end
        for number in numbers:
            os.kill(number, signal.SIGKILL)
        self.process.wait()
        return len(numbers)


@contextmanager
def cluster(folder: str) -> Iterator[tuple[str, list[Node]]]:
    """The address of a cluster of two nodes, and the nodes; the second may be killed."""
    with socket.socket() as free:
        free.bind((HEAD, 0))
        port = free.getsockname()[1]
    address = f"{HEAD}:{port}"
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    nodes: list[Node] = []
    try:
        first = ("--head", f"--port={port}", f"--temp-dir={folder}", "--include-dashboard=false")
        nodes.append(begun(HEAD, *first))
        joined(address, 1)
        nodes.append(begun(OTHER, f"--address={address}"))
        joined(address, 2)
        yield address, nodes
    finally:
        for node in nodes:
            if node.process.poll() is None:
                node.kill()


def begun(host: str, *words: str) -> Node:
    program = str(Path(sys.executable).with_name("ray"))
    what = ("--num-cpus=1", f"--node-ip-address={host}", "--object-store-memory=100000000")
    command = [program, "start", "--block", "--disable-usage-stats", *what, *words]
    return Node(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


def joined(address: str, count: int) -> None:
    """Wait until so many nodes are in the cluster."""
    program = f"import ray; ray.init({address!r}, logging_level='ERROR', log_to_driver=False)\n"
    program += "print(sum(node['Alive'] for node in ray.nodes()))"
    until = time.monotonic() + 300
    while time.monotonic() < until:
        asked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        if asked.returncode == 0 and int(asked.stdout.split()[-1]) == count:
            return
    raise SystemExit(f"no cluster of {count} nodes came up: {asked.stderr[-500:]}")


@attrs.define
class Counting:
    """Counts how often each trial is recorded, and calls `actions` after so many."""

    actions: Mapping[int, Callable[[], None]]
    recorded: collections.Counter[int] = attrs.field(factory=collections.Counter)
    times: dict[int, float] = attrs.field(factory=dict)

    def __call__(self, hook: str, trial: Any = None, **_: Any) -> None:
        if hook != "trial_finished":
            return
        self.recorded[trial.number] += 1
        self.times[trial.number] = time.perf_counter()
        self.actions.get(self.recorded.total(), lambda: None)()


class Losses(logging.Handler):
    """Counts the evaluations that began anew because their worker was lost."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.getMessage().startswith("a worker was lost")


def searched(trials: int, work: int, counting: Counting, folder: str, *words: str) -> Run:
    settings = ("strategy=random", f"trials={trials}", f"evaluator.work={work}", *words)
    (planned,) = api.plan([*made_up.WORDS, *settings, f"folder={folder}"], {})
    return Run(api.start(planned, counting).folder)


def figures(run: Run) -> list[Any]:
    return [(t.number, t.proposal, t.seed, t.state, t.score, t.metrics) for t in run.trials]


def lost_node(
    address: str, nodes: list[Node], trials: int, work: int, folder: str
) -> dict[str, Any]:
    losses = Losses()
    logging.getLogger("nasir").addHandler(losses)
    killed: list[int] = []

    def join() -> None:
        nodes.append(begun(JOINING, f"--address={address}"))

    def kill() -> None:
        killed.append(nodes[1].kill())

    counting = Counting({trials // 4: join, trials // 2: kill})
    words = ("executor=ray", f"executor.address={address}", "workers=2", "name=ray")
    began = time.perf_counter()
    run = searched(trials, work, counting, folder, *words)
    seconds = time.perf_counter() - began
    inline = searched(trials, work, Counting({}), folder, "name=inline")
    moments = [counting.times[number] for number in sorted(counting.times)]
    return {
        "complete": sum(trial.state == "complete" for trial in run.trials),
        "recorded_once": sum(times == 1 for times in counting.recorded.values()),
        "same_as_inline": figures(run) == figures(inline),
        "failed_attempts": sum(map(len, run.failed_attempts.values())),
        "begun_anew": losses.count,
        "processes_killed": killed,
        "seconds": seconds,
        "longest_pause_seconds": max(b - a for a, b in itertools.pairwise(moments)),
        "trials_by_worker": collections.Counter(trial.worker for trial in run.trials),
    }


def calls(executor: Executor, workers: int, count: int, work: int) -> float:
    """Seconds of so many evaluations, once each worker has begun."""
    ready: set[int] = set()
    while len(ready) < workers:
        ready = {f.result() for f in [executor.submit(made_up.awake) for _ in range(workers)]}
    problem = Problem(made_up.Space(), made_up.NoTask(), {FULL: made_up.MadeUp(work=work)})
    architecture = made_up.DOMAIN.architecture({f"decision{i}": "a" for i in range(6)})
    trials = [Trial(n, Proposal(architecture), n) for n in range(count)]
    began = time.perf_counter()
    if work:
        futures = [executor.submit(evaluate_trial, trial, problem, 1) for trial in trials]
        assert all(f.result().trial.state == "complete" for f in futures)
    else:
        for trial in trials:
            assert executor.submit(evaluate_trial, trial, problem, 1).result().trial.score
    return time.perf_counter() - began


@contextmanager
def started(factory: ExecutorFactory, workers: int) -> Iterator[Executor]:
    executor = factory.start(workers)
    try:
        yield executor
    finally:
        executor.shutdown()


def throughput(address: str, rounds: int, work: int, count: int = 120) -> dict[str, Any]:
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, rate in rates.items():
            with started(Ray(address=address), workers) as executor:
                rate.append(count / calls(executor, workers, count, work))
    ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    return {
        "evaluations_a_second": {n: statistics.median(rate) for n, rate in rates.items()},
        "ratio": [statistics.median(ratios), min(ratios), max(ratios)],
    }


def overhead(address: str, rounds: int, count: int = 100) -> dict[str, Any]:
    each: dict[str, list[float]] = {"ray": [], "bare task": [], "bare actor": [], "process": []}
    for _ in range(rounds):
        with started(Ray(address=address), 1) as executor:
            each["ray"].append(calls(executor, 1, count, 0))
        with bare_ray(address) as (task, actor):
            each["bare task"].append(bare_calls(task.remote, count))
            each["bare actor"].append(bare_calls(actor.remote().absolute.remote, count))
        with started(Process(), 1) as executor:
            each["process"].append(calls(executor, 1, count, 0))
    bare = each["bare task"]
    ratios = [ours / rival for ours, rival in zip(each["ray"], bare, strict=True)]
    return {
        "ms": {name: statistics.median(times) / count * 1e3 for name, times in each.items()},
        "ratio_to_bare_task": [statistics.median(ratios), min(ratios), max(ratios)],
    }


def absolute(number: int) -> int:
    return abs(number)


class Bare:
    def absolute(self, number: int) -> int:
        return abs(number)


@contextmanager
def bare_ray(address: str) -> Iterator[tuple[Any, Any]]:
    """The same as a task and as an actor of Ray without this project."""
    import ray

    ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield ray.remote(absolute), ray.remote(num_cpus=1)(Bare)
    finally:
        ray.shutdown()


def bare_calls(remote: Any, count: int) -> float:
    """Seconds of so many calls, one after another, once the worker has begun."""
    import ray

    ray.get([remote(-3) for _ in range(20)])
    began = time.perf_counter()
    for _ in range(count):
        ray.get(remote(-3))
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=int, default=3_000_000)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    made_up.known()
    results: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        cluster(f"{folder}/cluster") as (address, nodes),
    ):
        results["throughput"] = throughput(address, arguments.rounds, arguments.work)
        print(json.dumps(results, indent=2), flush=True)
        results["overhead"] = overhead(address, arguments.rounds)
        print(json.dumps(results, indent=2), flush=True)
        numbers = (arguments.trials, 2 * arguments.work)  # so that a node has time to join
        results["lost_node"] = lost_node(address, nodes, *numbers, folder)
    print(json.dumps(results, indent=2))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
