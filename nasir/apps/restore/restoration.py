"""A restored picture, and how it was restored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from nasir.core.architecture import Architecture
from nasir.core.html_view import HtmlView

if TYPE_CHECKING:
    import numpy as np

    from nasir.apps.restore.diagnosis import Diagnosis
    from nasir.apps.restore.mosaic import Stop
    from nasir.apps.restore.picture_search import SearchResult
    from nasir.apps.restore.risk import Risks

    Array = np.ndarray[Any, np.dtype[np.float32]]


@attrs.frozen(eq=False, repr=False)
class Restoration(HtmlView):
    """A restored picture, and how it was got.

    `picture` is ``(H, W, C)`` float32 in [0, 1], as it is in the file `output` but for alpha.
    `strip` is None where none was wanted.
    `chosen` is what was asked for and `architecture` what it came to; `stops` has one stop for
    each tile that a network was fitted to, none where it was trained. `search`, and
    `description`, a file with the architecture, are there after a search.

    `by` says what made the picture: ``fit NAME``, ``training FOLDER``, ``network NAME``,
    ``method NAME``, or ``input`` where nothing was better than the picture itself; a method has no
    architecture. `diagnosis` is what was found in the picture, if it was diagnosed, and `risks`
    what the candidates were compared by. `before` is the picture that was given, as large as
    `picture`. `note` says in a line how else the result was compared, or that it was not.
    `remarks` say what may not be expected of the files that were given, a line each.
    `end` is "time" or "interruption" where a method was ended before it was finished.
    """

    html_view = "nasir.apps.report.notebook:restoration_view"

    picture: Array
    output: Path
    strip: Path | None
    task: str
    chosen: str
    architecture: Architecture | None
    stops: tuple[Stop, ...]
    seconds: float
    search: SearchResult | None = None
    description: Path | None = None
    by: str = ""
    diagnosis: Diagnosis | None = None
    risks: Risks | None = None
    before: Array | None = None
    note: str | None = None
    remarks: tuple[str, ...] = ()
    end: str = ""

    def __repr__(self) -> str:
        height, width = self.picture.shape[:2]
        size = f"{width} x {height}"
        words = (str(self.output), size, f"{self.task} by {self.by}", f"{self.seconds:.1f} s")
        return f"Restoration({', '.join(words)})"

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C has cut it short."""
        return self.end == "interruption" or any(stop.end == "interruption" for stop in self.stops)

    @property
    def mapping(self) -> dict[str, Any]:
        """All but the picture as JSON values."""
        search = self.search
        return {
            "output": str(self.output),
            "strip": self.strip and str(self.strip),
            "task": self.task,
            "chosen": self.chosen,
            "by": self.by,
            "architecture": self.architecture and dict(self.architecture.choices),
            "diagnosis": self.diagnosis and self.diagnosis.mapping,
            "risk": self.risks and dict(self.risks.by_candidate),
            "note": self.note,
            "remarks": list(self.remarks),
            "end": self.end,
            "stops": [attrs.asdict(stop) for stop in self.stops],
            "seconds": self.seconds,
            "search": search
            and {
                "found": search.architecture is not None,
                "scored": search.scored,
                "fitted": search.fitted,
                "seconds": search.seconds,
                "architecture_file": str(self.description),
            },
        }
