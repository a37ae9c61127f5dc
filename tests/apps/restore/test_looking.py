"""Pages on which restored pictures are looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasir.apps.restore import looking
from nasir.apps.restore.encoding import encoded_png
from nasir.apps.restore.looking import upright, write_before_and_after

COLOUR = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, tuple[str | Path, Path]]:
    made: dict[str, tuple[str | Path, Path]] = {}
    for name in ("cat", "<dog>"):
        before, after = tmp_path / f"{name}.png", tmp_path / f"{name}-restored.png"
        Image.fromarray(COLOUR).save(before)
        Image.fromarray(255 - COLOUR).save(after)
        made[name] = (before, after)
    return made


def test_a_page_holds_its_pictures_and_loads_nothing(tmp_path: Path, pictures):
    write_before_and_after(pictures, tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text()
    assert text.count("data:image/png;base64,") == 4
    assert "<dog>" not in text
    assert "default-src &#x27;none&#x27;" in text


def test_what_is_shown_is_upright_and_has_eight_bits(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(COLOUR).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(upright(tmp_path / "a.png"), np.rot90(COLOUR, -1))
    grey = COLOUR[..., 0]
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(upright(tmp_path / "grey.png"), np.stack([grey] * 3, -1))
    (tmp_path / "deep.png").write_bytes(encoded_png(COLOUR.astype(np.uint16) * 257, b"", b""))
    np.testing.assert_array_equal(upright(tmp_path / "deep.png"), COLOUR)


def test_without_a_browser_nothing_is_opened(monkeypatch, tmp_path: Path):
    def none(address: str) -> bool:
        raise looking.webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(looking.webbrowser, "open", none)
    assert looking.open_page(tmp_path / "a.html") is False
