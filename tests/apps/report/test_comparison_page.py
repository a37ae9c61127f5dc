"""Runs side by side: groups with ranks, curves, fronts."""

from __future__ import annotations

import re

from apps.report.conftest import trial

from nasir.cli.main import main


def compared(runs, tmp_path):
    file = tmp_path / "side.html"
    assert main(["compare", *(str(run.folder) for run in runs), "--html", str(file)]) == 0
    return file.read_text(encoding="utf-8")


def test_groups_have_ranks_and_curves(make, tmp_path, capsys):
    runs = [
        make([trial(0, score), trial(1, score + seed)], seed=seed, strategy={"name": name})
        for name, score in (("good", 20.0), ("bad", 10.0))
        for seed in range(6)
    ]
    text = compared(runs, tmp_path)
    assert "good" in capsys.readouterr().out
    # 22.5 is the mean of 20 + 0..5; Wilcoxon's exact two-sided p of six differences is 2 / 2^6
    row = re.search(r"<tr><td>good</td>.*?</tr>", text)[0]
    assert re.findall(r">([^<>]+)<", row) == ["good", "6", "22.50", "1.87", "1.00"]
    assert ">0.031<" in text
    # a curve of each group, for wide and for narrow screens
    assert len(re.findall(r'class="curve series\d"', text)) == 2 * 2
    assert len(re.findall(r'class="band series\d"', text)) == 2 * 2


def test_two_objectives_have_fronts(make, tmp_path):
    points = [(20.0, 5.0), (30.0, 9.0)]
    trials = [trial(n, p, metrics={"psnr": p, "size": s}) for n, (p, s) in enumerate(points)]
    runs = [
        make(trials, objective=["psnr", "-size"], strategy={"name": name}) for name in ("a", "b")
    ]
    text = compared(runs, tmp_path)
    assert "Pareto fronts" in text
    assert text.count('class="point series0"') == 2 * 2
    assert "hypervolume" in text


def test_a_run_without_a_result_has_its_row(make, tmp_path):
    text = compared([make([trial(0, 1.0)]), make(), make([trial(0)], seed=1)], tmp_path)
    assert all(f"run-{n}" in text for n in range(3))


def test_names_of_runs_are_escaped(make, tmp_path):
    run = make([trial(0, 1.0)], strategy={"name": "<script>alert(1)"})
    text = compared([run, make([trial(0, 2.0)])], tmp_path)
    assert "<script>alert" not in text


def test_bad_input_is_refused_in_one_line(make, tmp_path, capsys):
    run = make([trial(0, 1.0)])
    other = make([trial(0, 1.0)], objective=["psnr"])
    folder = str(run.folder)
    for words in (
        [folder, "--html", "side.txt"],
        [folder, "--html", "no/such/folder/side.html"],
        [folder, str(other.folder), "--html", str(tmp_path / "side.html")],
        [str(tmp_path), "--html", "side.html"],
    ):
        assert main(["compare", *words]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
