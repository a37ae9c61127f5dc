"""What a page shows of a run, read from its folder once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from nasir.core.errors import NasirError
from nasir.core.objectives import Objective, objectives, pareto_front
from nasir.core.trial import FOUND, Trial
from nasir.runs.folder import SETTINGS
from nasir.runs.inputs import recorded
from nasir.runs.run import Run
from nasir.runs.summary import summary
from nasir.settings.overrides import Settings

TEST, SEARCH = "test", "search"


@attrs.frozen(eq=False)
class Reading:
    """What a run's folder holds. `best` is None where no trial is complete, for a `reason`."""

    run: Run
    settings: Settings
    settings_text: str
    environment: Mapping[str, Any]
    summary: Mapping[str, Any]
    trials: Sequence[Trial]
    final_evaluations: Mapping[tuple[str, str], Trial]
    best: Trial | None
    reason: str

    @property
    def name(self) -> str:
        return self.run.folder.resolve().name

    @property
    def objectives(self) -> tuple[Objective, ...]:
        return objectives(self.settings.get("objective", ()))

    @property
    def front(self) -> list[Trial]:
        """The trials on the Pareto front, where there are several objectives."""
        wanted = self.objectives
        return pareto_front(self.trials, wanted) if len(wanted) > 1 else []

    def component(self, kind: str) -> Mapping[str, Any]:
        """The settings of a component, empty where there are none."""
        fields = self.settings.get(kind)
        return fields if isinstance(fields, Mapping) else {}

    @property
    def by_picture(self) -> dict[str, Mapping[str, Mapping[str, float]]]:
        """Metrics of each test picture, of the found and the reference architectures by name."""
        return {
            name: trial.by_picture
            for (name, split), trial in self.final_evaluations.items()
            if split == TEST
        }

    @property
    def picture_names(self) -> list[str]:
        """The test pictures that the found architecture restored."""
        return list(self.by_picture.get(FOUND, {}))


def read(run: Run) -> Reading:
    """Read a run's folder; raises :class:`~nasir.core.errors.NasirError` where it is damaged."""
    reason, best = "", None
    trials, final_evaluations = run.trials, run.final_evaluations
    try:
        best = run.best
    except NasirError as error:
        reason = str(error)
    settings = run.settings
    return Reading(
        run,
        settings,
        (run.folder / SETTINGS).read_text(encoding="utf-8-sig"),
        recorded(run),
        summary(run),
        trials,
        final_evaluations,
        best,
        reason,
    )
