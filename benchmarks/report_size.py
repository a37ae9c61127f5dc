"""The page of a run of 300 trials: its weight, and how long Chromium takes to open it.

The run is made without a search, of the space with the most decisions by default: random
architectures, three metrics each, one in twenty failed, four test pictures of 256 x 256 pixels
with their noise, and one reference. To be seen: under 5 MiB, opened in under 2 s (from the
beginning of the navigation to the end of the load event, the median of five).

    python benchmarks/report_size.py [TRIALS] [SPACE]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from skimage import data

from nasir.apps.report.run_page import report
from nasir.apps.search.search import plan
from nasir.core.evaluator import RestoredPicture
from nasir.core.trial import FOUND, Proposal, Trial
from nasir.runs.result import write_result
from nasir.runs.run import Run, create, writing

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from apps.report.browser import Browser, program

PICTURES = ("astronaut", "coffee", "chelsea", "rocket")
SIDE, OPENINGS = 256, 5
MOST_BYTES, MOST_SECONDS = 5 * 2**20, 2.0


def pictures(rng: np.random.Generator) -> dict[str, RestoredPicture]:
    """Photographs as an evaluation gives them; noise is what weighs most in a PNG."""
    made = {}
    for name in PICTURES:
        clean = getattr(data, name)()[:SIDE, :SIDE] / 255
        noise = rng.normal(size=clean.shape)
        made[name] = RestoredPicture(
            *(np.clip(clean + noise * sigma / 255, 0, 1) for sigma in (0, 25, 6))
        )
    return made


def made_run(folder: Path, trials: int, space: str) -> Run:
    """A finished run's folder."""
    (planned,) = plan([f"space={space}", "evaluator=dip", f"trials={trials}"], {})
    rng = np.random.default_rng(0)
    run = create(folder, planned.resolved, {"versions": {"python": sys.version.split()[0]}})
    done = [trial(n, planned.problem.space.domain.sample(rng), rng) for n in range(trials)]
    restored = pictures(rng)
    found = next(one for one in done if one.state == "complete")
    with writing(run) as store, store.transaction():
        for one in done:
            store.save_trial(one)
        store.save_final_evaluation(FOUND, "test", found)
        store.save_final_evaluation("reference", "test", found)
        store.save_progress(state="finished", seconds=3600.0)
    for place in ("best", "references/reference"):
        write_result(run.folder / place, found.architecture, planned.resolved, restored)
    return run


def trial(number: int, architecture: Any, rng: np.random.Generator) -> Trial:
    if number % 20 == 19:
        error = "no number: the loss became NaN in iteration 117"
        return Trial(number, Proposal(architecture), number, "failed", error=error, seconds=1.0)
    score = float(rng.normal(25, 2))
    metrics = {"psnr": score, "ssim": score / 40, "parameters": float(rng.integers(10**5, 10**6))}
    by_picture = {name: {"psnr": score} for name in PICTURES}
    proposal = Proposal(architecture)
    return Trial(number, proposal, number, "complete", score, metrics, by_picture, seconds=12.0)


def main() -> int:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    space = sys.argv[2] if len(sys.argv) > 2 else "irnas"
    chromium = program()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        run = made_run(Path(name, "run"), trials, space)
        begin = time.perf_counter()
        file = Path(name, "page.html")
        report(run, file)
        weight = file.stat().st_size
        print(f"{trials} trials in {space}: {weight / 2**20:.2f} MiB, ", end="")
        print(f"written in {time.perf_counter() - begin:.1f} s")
        if chromium is None:
            print("there is no chromium to open it with: apt-get install chromium")
            return 0 if weight < MOST_BYTES else 1
        browser = Browser(chromium, Path(name, "profile"))
        try:
            browser.screen(1280, 900)
            times = [browser.open(file) for _ in range(OPENINGS)]
            asked, complaints = browser.requests, browser.complaints
        finally:
            browser.close()
    median = statistics.median(times)
    print(f"opened in {median:.2f} s (median; {', '.join(f'{t:.2f}' for t in times)})")
    print(f"{len(asked)} requests to hosts, {len(complaints)} complaints of the browser")
    return 0 if weight < MOST_BYTES and median < MOST_SECONDS and not asked else 1


if __name__ == "__main__":
    sys.exit(main())
