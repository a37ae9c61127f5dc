"""Checkpoints on machines that do not see the run's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasir.core.errors import RunFolderError
from nasir.executors.checkpoints import (
    RunCheckpoints,
    changed_files,
    read_versions,
    write_files,
)


def test_two_folders_are_kept_equal_and_only_changes_are_sent(tmp_path: Path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"

    def run() -> RunCheckpoints:
        return RunCheckpoints(ours, None, read_versions(ours))

    assert run().update(theirs) == []
    ours.mkdir()
    (ours / "fit").write_bytes(b"1")
    (ours / ".fit.partial").write_bytes(b"half")
    assert run().update(theirs) == ["fit"]
    assert run().with_content(["fit"]).update(theirs) == []
    assert (theirs / "fit").read_bytes() == b"1"
    assert run().update(theirs) == []

    before = read_versions(theirs)
    (theirs / "fit").unlink()
    (theirs / "part0").mkdir()
    (theirs / "part0" / "fit").write_bytes(b"")
    changes = changed_files(theirs, before)
    assert changes.keys() == {"fit", "part0/fit"}
    write_files(ours, changes)
    assert [path.relative_to(ours).as_posix() for path in ours.rglob("fit")] == ["part0/fit"]
    assert run().update(theirs) == []

    (ours / "part0" / "fit").unlink()
    assert run().update(theirs) == []
    assert not list(theirs.rglob("fit"))


@pytest.mark.parametrize("name", ["../elsewhere", "/tmp/elsewhere", "a/../../elsewhere"])
def test_a_name_that_leads_out_of_the_checkpoints_is_refused(tmp_path: Path, name: str):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    for file in (None, (0, b"anything")):
        with pytest.raises(RunFolderError, match="leads out of the checkpoints"):
            write_files(folder, {name: file})
    assert list(tmp_path.iterdir()) == [folder]
