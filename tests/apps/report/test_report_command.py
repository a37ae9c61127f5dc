"""``nasir report``: where the page goes, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from apps.report.conftest import pictures, trial

import nasir
from nasir.cli.main import main
from nasir.core.errors import NasirError


def test_the_page_is_written_into_the_runs_folder(make, capsys):
    run = make([trial(0, 1.0)], pictures())
    assert main(["report", str(run.folder)]) == 0
    page = run.folder / "report.html"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert f"written  {page}" in capsys.readouterr().out
    assert main(["report", str(run.folder)]) == 0  # again, over it


def test_the_page_is_written_to_a_given_file(make, tmp_path, capsys):
    run = make([trial(0, 1.0)])
    file = tmp_path / "my page.html"
    assert main(["report", str(run.folder), "-o", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(file),
        "bytes": file.stat().st_size,
    }
    assert sorted(tmp_path.glob(".*")) == []


def test_python_writes_the_page(make, tmp_path):
    run = make([trial(0, 1.0)], pictures())
    assert nasir.report(run.folder) == run.folder / "report.html"
    file = nasir.report(run, tmp_path / "page.html")
    for page in (file, run.folder / "report.html"):
        assert "<h1>" in page.read_text(encoding="utf-8")
    with pytest.raises(NasirError, match="name a file that ends in"):
        nasir.report(run, tmp_path / "page.txt")


@pytest.mark.parametrize(
    "output", ["page.txt", "settings.toml", "no/such/folder/page.html", "folder.html"]
)
def test_a_bad_output_file_is_refused_in_one_line(make, tmp_path, capsys, output):
    (tmp_path / "folder.html").mkdir()
    run = make([trial(0, 1.0)])
    assert main(["report", str(run.folder), "-o", output]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert Path(output).name in error


def test_a_folder_without_a_run_is_refused_in_one_line(make, tmp_path, capsys):
    damaged = make([trial(0, 1.0)])
    (damaged.folder / "run.sqlite").write_bytes(b"nothing")
    for folder in (tmp_path, tmp_path / "gone", damaged.folder):
        assert main(["report", str(folder)]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_damaged_figures_and_settings_are_refused_in_one_line(make, capsys):
    for run in (make([trial(0, 1.0, metrics={"psnr": "<b>"})]), make([trial(0, 1.0)], objective=3)):
        assert main(["report", str(run.folder)]) == 2
        error = capsys.readouterr().err
        assert len(error.splitlines()) == 1
        assert "is damaged" in error


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(make, readable_only, capsys):
    folder = readable_only.folder / "run"
    shutil.copytree(make([trial(0, 1.0)]).folder, folder)
    with readable_only():
        assert main(["report", str(folder)]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert "choose another place" in error
