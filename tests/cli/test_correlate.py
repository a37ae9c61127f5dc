"""``nasir correlate``: Kendall's tau between what is known beforehand and the final PSNR."""

from __future__ import annotations

import json
import math
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from toy_plugin import ToySpace

from nasir.apps.correlate import correlation, correlations
from nasir.cli.main import main
from nasir.core.errors import NasirError
from nasir.core.trial import FULL, Proposal, Trial

VALUES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=12)
ARCHITECTURES = list(ToySpace().domain)


@attrs.define
class FakeRun:
    """Trials, without a folder."""

    trials: list[Trial]
    folder: Path = Path("runs/fake")


def brute_force_tau_b(pairs) -> float:
    """Concordant minus discordant pairs over the geometric mean of the untied ones."""
    total, untied_x, untied_y = 0, 0, 0
    for i, (x1, y1) in enumerate(pairs):
        for x2, y2 in pairs[:i]:
            dx, dy = np.sign(x1 - x2), np.sign(y1 - y2)
            total += dx * dy
            untied_x, untied_y = untied_x + abs(dx), untied_y + abs(dy)
    return total / math.sqrt(untied_x * untied_y)


def trial(number: int, place: int, stage: str, fidelity: float = 1.0, **metrics: float) -> Trial:
    proposal = Proposal(ARCHITECTURES[place], stage, fidelity)
    return Trial(number, proposal, 0, "complete", 0.0, metrics)


def joined(proxy: list[float], psnr: list[float]) -> FakeRun:
    """Proxy trials in order, full ones in the reverse order."""
    scored = [trial(i, i, "proxy", psd_db_mse=value) for i, value in enumerate(proxy)]
    full = [trial(100 + i, i, FULL, psnr=v, parameters=i) for i, v in enumerate(psnr)]
    return FakeRun([*scored, *reversed(full)])


@settings(deadline=None)  # the first example imports scipy
@given(VALUES)
def test_tau_equals_that_of_counted_pairs(pairs: list[tuple[int, int]]):
    found = correlation("x", None, [(float(x), float(y)) for x, y in pairs])
    if any(len(set(side)) == 1 for side in zip(*pairs, strict=True)):
        assert found.tau is None
        assert "same" in found.trouble
    else:
        assert found.tau == pytest.approx(brute_force_tau_b(pairs))
        assert 0 <= found.p_value <= 1


def test_the_p_value_of_a_perfect_order_is_exact():
    """Of 5! orders two are as extreme."""
    found = correlation("x", None, [(float(i), float(i)) for i in range(5)])
    assert found.tau == pytest.approx(1)
    assert found.p_value == pytest.approx(2 / math.factorial(5))


def test_trials_are_joined_by_architecture():
    rows = correlations(joined([4, 3, 2, 1, 9, 9], [20, 21, 22, 23]))
    assert [(r.predictor, r.picture, r.architectures) for r in rows] == [
        ("psd_db_mse", None, 4),
        ("parameters", None, 4),
    ]
    assert [r.tau for r in rows] == [pytest.approx(-1), pytest.approx(1)]


def test_repeated_fits_of_an_architecture_count_once_with_their_mean():
    run = joined([1, 2, 3], [20, 21, 22])
    run.trials.append(trial(200, 0, FULL, psnr=30.0, parameters=0))
    row = next(r for r in correlations(run) if r.predictor == "psd_db_mse")
    assert row.architectures == 3
    assert row.tau == pytest.approx(brute_force_tau_b([(1, 25), (2, 21), (3, 22)]))


def test_only_fits_of_the_highest_fidelity_count():
    run = joined([1, 2, 3], [20, 21, 22])
    run.trials += [trial(300 + i, i, FULL, 0.1, psnr=50.0 - i) for i in range(5)]
    row = next(r for r in correlations(run) if r.predictor == "psd_db_mse")
    assert (row.architectures, row.tau) == (3, pytest.approx(1))


def test_failed_trials_and_those_without_a_number_are_left_out():
    run = joined([1, math.nan, 3, 4], [20, 21, 22, 23])
    run.trials.append(attrs.evolve(trial(9, 5, FULL), state="failed", score=None))
    run.trials.append(trial(10, 6, FULL, psnr=math.inf))
    row = next(r for r in correlations(run) if r.predictor == "psd_db_mse")
    assert row.architectures == 3


def test_each_picture_has_its_own_row_with_its_own_proxy_where_there_is_one():
    psnr = [{"a": {"psnr": 3.0 - i}, "b": {"psnr": 1.0 + i}} for i in range(3)]
    full = [attrs.evolve(trial(i, i, FULL, psnr=2.0), by_picture=psnr[i]) for i in range(3)]
    own = [{"b": {"psd_db_mse": 3.0 - i}} for i in range(3)]
    scored = [
        attrs.evolve(trial(9 + i, i, "p", psd_db_mse=1.0 + i), by_picture=own[i]) for i in range(3)
    ]
    rows = {row.picture: row for row in correlations(FakeRun([*scored, *full]))}
    assert rows["a"].tau == pytest.approx(-1)
    assert rows["b"].tau == pytest.approx(-1)
    assert rows[None].trouble == "all architectures have the same PSNR"


def test_a_constant_predictor_is_reported():
    rows = correlations(joined([7, 7, 7], [20, 21, 22]))
    assert rows[0].tau is None
    assert rows[0].trouble == "the same for all architectures"


def test_fewer_than_three_architectures_are_refused():
    with pytest.raises(NasirError, match=r"has 2 architectures.*needs 3"):
        correlations(joined([1, 2, 3], [20, 21]))


def test_a_run_without_proxies_says_how_to_compute_some():
    full = [trial(i, i, FULL, psnr=20.0 + i) for i in range(4)]
    with pytest.raises(NasirError, match=r"proxies=.*psd_db_mse"):
        correlations(FakeRun(full))


@pytest.fixture
def run(tmp_path: Path, toy):
    """A search of the toy on two real pictures, which its evaluator does not look at."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        Image.fromarray(rng.integers(0, 255, (16, 16), np.uint8)).save(tmp_path / f"{name}.png")
    return toy("name=r", "task=denoise", "task.images=a.png,b.png", "task.size=16")


def test_proxies_are_computed_for_the_architectures_of_a_run(run, capsys):
    words = ["correlate", str(run.folder), "--proxies", "psd_db_mse,bandwidth_99", "--json"]
    assert main(words) == 0
    first = capsys.readouterr().out
    rows = {row["predictor"]: row for row in json.loads(first)}
    assert set(rows) == {"psd_db_mse", "bandwidth_99", "parameters", "multiply_adds"}
    distinct = {t.architecture.id for t in run.trials if t.state == "complete"}
    assert {row["architectures"] for row in rows.values()} == {len(distinct)}
    assert -1 <= rows["psd_db_mse"]["tau"] <= 1
    assert rows["parameters"]["tau"] is None
    assert main(words) == 0
    assert capsys.readouterr().out == first


def test_proxies_are_computed_against_the_ground_truth_too(run, capsys):
    """To which the bandwidth is the same: it does not depend on the picture."""
    names = "psd_db_mse,bandwidth_99"
    words = ["correlate", str(run.folder), "--proxies", names, "--json"]
    assert main(words) == 0
    noisy = {row["predictor"]: row for row in json.loads(capsys.readouterr().out)}
    assert main([*words, "--clean"]) == 0
    both = {row["predictor"]: row for row in json.loads(capsys.readouterr().out)}
    assert both.keys() == noisy.keys() | {"psd_db_mse:clean", "bandwidth_99:clean"}
    assert {name: both[name] for name in noisy} == noisy
    assert -1 <= both["psd_db_mse:clean"]["tau"] <= 1
    assert both["bandwidth_99:clean"]["tau"] == both["bandwidth_99"]["tau"]


def test_parameters_are_those_of_the_fits_if_known(run, capsys):
    assert main(["correlate", str(run.folder), "--proxies", "parameters", "--json"]) == 0
    rows = {row["predictor"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["parameters"]["trouble"] == "the same for all architectures", "12 in the toy's fits"
    pairs = sorted({(multiply_adds(t), t.score) for t in run.trials if t.state == "complete"})
    expected = brute_force_tau_b(pairs)
    assert rows["multiply_adds"]["tau"] == pytest.approx(expected)


def multiply_adds(trial: Trial) -> float:
    """Of one channel and 64 x 64 pixels; the toy's `none` is a 1 x 1 convolution."""
    return 64 * 64 * trial.architecture.choices.get("kernel", 1) ** 2


def test_several_runs_have_a_table_each_and_one_of_their_means(run, toy, tmp_path, capsys):
    other = toy("name=s", "seed=5", "task=denoise", f"task.images={tmp_path}/a.png", "task.size=16")
    folders = [str(run.folder), str(other.folder)]
    assert main(["correlate", *folders, "--proxies", "psd_db_mse", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    taus = [row["tau"] for row in rows if row["predictor"] == "psd_db_mse"]
    assert [row["run"] for row in rows] == [f for f in folders for _ in range(3)]
    assert main(["correlate", *folders, "--proxies", "psd_db_mse"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line in folders] == folders
    at = next(n for n, line in enumerate(lines) if line.startswith("tau with the mean PSNR"))
    cells = [f"{tau:.3f}" for tau in (*taus, np.mean(taus))]
    assert lines[at + 1].split() == ["psd_db_mse", *cells]


def test_the_table_names_predictor_picture_and_trouble(run, capsys):
    assert main(["correlate", str(run.folder), "--proxies", "psd_db_mse"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["predictor", "picture", "architectures", "tau", "p-value"]
    assert lines[1].split()[:2] == ["psd_db_mse", "mean"]
    assert lines[2].endswith("the same for all architectures")


def test_bad_settings_are_refused(run, capsys):
    folder = str(run.folder)
    for words, printed in [
        ([folder, "--proxies", "psd_db_ms"], "did you mean 'psd_db_mse'"),
        ([folder, "--proxies", "psd_db_mse", "--initialisations", "0"], "take 1 or more"),
        ([folder, "--clean"], "--clean is of proxies that are computed now: add --proxies NAMES"),
        (["nowhere"], "there is no run folder nowhere"),
    ]:
        assert main(["correlate", *words]) == 2
        assert printed in capsys.readouterr().err


def test_without_ground_truth_nothing_is_computed_against_it(tmp_path: Path, toy, capsys):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 16), np.uint8)).save("a.png")
    words = ("task=denoise", "task.images=a.png", "task.degraded=true", "task.size=16")
    run = toy("name=r", *words, "task.search=0", "trials=6")
    assert main(["correlate", str(run.folder), "--proxies", "bandwidth_99", "--clean"]) == 2
    error = capsys.readouterr().err
    assert error.endswith(f"--clean needs the ground truth, and {run.folder} has none\n")


def curved(number: int, best: float) -> Trial:
    """A fit with its best PSNR at the share `best` of the steps."""
    curve = [(share, 30.0 - abs(share - best)) for share in (0.25, 0.5, 0.75, 1.0)]
    return Trial(
        number,
        Proposal(ARCHITECTURES[number], FULL),
        0,
        state="complete",
        metrics={"psnr": 20.0, "parameters": 100.0 * best},
        curve={"a": curve},
    )


def test_the_best_step_is_correlated_instead_of_the_final_psnr() -> None:
    run = FakeRun([curved(n, best) for n, best in enumerate((0.75, 0.25, 1.0, 0.5))])
    (found,) = correlations(run, best_step=True)  # type: ignore[arg-type]
    assert (found.predictor, found.tau) == ("parameters", pytest.approx(1.0))
    run.trials[0] = attrs.evolve(run.trials[0], curve={})
    assert correlations(run, best_step=True)[0].architectures == 3  # type: ignore[arg-type]


def test_without_curves_there_is_no_best_step() -> None:
    run = FakeRun([attrs.evolve(curved(n, 0.5), curve={}) for n in range(3)])
    with pytest.raises(NasirError, match=r"run with evaluator\.curve=20"):
        correlations(run, best_step=True)  # type: ignore[arg-type]
