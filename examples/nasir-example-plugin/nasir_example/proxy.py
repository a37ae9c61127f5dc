"""A proxy: predicts from an untrained network how well it will restore."""

import attrs

from nasir import Proxy


@attrs.define
class Contrast(Proxy):
    """The standard deviation of what the untrained network makes of its input."""

    larger_is_better = True

    def value(self, probe):
        return float(probe.output.std())
