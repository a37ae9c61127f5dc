"""``nasir export``: what it refuses on the command line."""

from __future__ import annotations

import re

import pytest

from nasir.apps.export.export import Exported
from nasir.cli.export import rows
from nasir.cli.main import main


@pytest.mark.parametrize(
    ("argv", "printed"),
    [
        (["."], "-o"),
        ([".", "-o", "model.pth"], "its suffix must be .onnx, .pt2 or .safetensors"),
        ([".", "-o", "model.pt2"], "no training's folder"),
        ([".", "-o", "model.pt2", "--tolerance", "0"], "must be above 0"),
        ([".", "-o", "model.pt2", "--tolerance", "much"], "--tolerance"),
    ],
)
def test_a_bad_export_is_refused_in_one_line(argv: list[str], printed: str, capsys):
    assert main(["export", *argv]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(r"nasir: [^\n]+\n", said.err)
    assert printed in said.err


@pytest.mark.parametrize(
    ("multiple", "printed"),
    [
        (0, "3 channels, 64 x 64 pixels only"),
        (1, "3 channels, any height and width"),
        (8, "3 channels, heights and widths that are multiples of 8"),
    ],
)
def test_the_supported_sizes_are_printed(multiple: int, printed: str):
    assert rows(Exported("m.onnx", 1e-7, multiple, 64, 3, 1))[1] == ("takes", printed)
