"""A task: which degradation to undo; pictures, patches, loss and metrics are inherited."""

import attrs

from nasir import Degradation, setting
from nasir.tasks.paired_task import PairedTask
from nasir_example.speckle import Speckle


@attrs.define(slots=False)
class Despeckle(PairedTask):
    """Remove speckle from photographs."""

    noise: Degradation = setting(Speckle(), "speckle or another noise", open=True)

    def degrading(self):
        return self.noise
