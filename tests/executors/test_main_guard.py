"""Scripts without a main guard are refused once, by the process that would start others."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from nasir.core.errors import NasirError
from nasir.executors.main_guard import refuse_without_guard

CALL = "from nasir.executors.main_guard import refuse_without_guard as start\n"
GUARDED = "if __name__ == '__main__':\n    start()"
IN_A_FUNCTION = f"def main():\n    start()\n\n{GUARDED.replace('start', 'main')}"
LEFT = "import sys\nif __name__ != '__main__':\n    sys.exit()\nstart()"
BY_PROCESS = "import multiprocessing\nif multiprocessing.parent_process() is None:\n    start()"


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(CALL + text)
    monkeypatch.setattr(sys, "argv", [str(script)])
    runpy.run_path(str(script), run_name="__main__")


@pytest.mark.parametrize("text", [GUARDED, IN_A_FUNCTION, LEFT, BY_PROCESS])
def test_a_script_that_does_nothing_when_it_is_imported_may_start_processes(
    tmp_path, monkeypatch, text
):
    run(tmp_path, monkeypatch, text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("start()", 2),
        ("def main():\n    start()\n\nmain()", 5),
        ("if True:\n    start()", 3),
        (f"{GUARDED.replace('start()', 'pass')}\nstart()", 4),
    ],
)
def test_a_script_without_main_guard_is_refused_with_its_line(tmp_path, monkeypatch, text, line):
    with pytest.raises(NasirError, match=rf'script.py, line {line}, .* if __name__ == "__main__":'):
        run(tmp_path, monkeypatch, text)


def test_pytest_itself_may_start_processes():
    refuse_without_guard()
