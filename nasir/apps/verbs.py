"""The commands that take settings, and the kinds of what can be registered."""

from __future__ import annotations

from nasir.core.registry import KINDS

RUN = "run"

VERBS = {
    RUN: "nasir.settings.run_settings:RunSettings",
    "train": "nasir.apps.train.planning:TrainSettings",
    "restore": "nasir.apps.restore.settings:RestoreSettings",
    "evaluate": "nasir.apps.evaluate.evaluate:EvaluateSettings",
    "score": "nasir.apps.score:ScoreSettings",
    "bench": "nasir.apps.bench.bench:BenchSettings",
}
"""The commands that take settings, and the classes of these."""

PLURALS = {kind: f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s" for kind in KINDS}
"""The kinds of what can be registered, in the plural."""
