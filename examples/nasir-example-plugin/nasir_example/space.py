"""A search space: decisions, and the network that they make."""

import attrs
from attrs import validators as must

from nasir import Decision, Domain, SearchSpace, setting


@attrs.define
class Plain(SearchSpace):
    """Convolutions and ReLUs, one after another; those wider than a pixel may be dilated."""

    max_depth: int = setting(3, "most hidden layers, >= 1", must.ge(1))
    baseline = "smallest"

    @property
    def domain(self):
        depth, width = Decision("depth", range(1, self.max_depth + 1)), Decision("width", (8, 16))
        kernel = Decision("kernel", (1, 3, 5))
        dilation = Decision("dilation", (1, 2), active_if={"kernel": (3, 5)})
        return Domain("plain", (depth, width, kernel, dilation))

    def reference(self):
        return {"smallest": self.domain.decode((0, 0, 0, 0))}

    def build(self, architecture, signature):
        from torch import nn

        chosen = self.domain.architecture(architecture.choices).choices  # refuses all others
        shape = {"dilation": chosen.get("dilation", 1), "padding": "same"}
        channels, layers = signature.in_channels, [nn.Upsample(scale_factor=signature.scale)]
        for _ in range(chosen["depth"]):
            layers += [nn.Conv2d(channels, chosen["width"], chosen["kernel"], **shape), nn.ReLU()]
            channels = chosen["width"]
        return nn.Sequential(*layers, nn.Conv2d(channels, signature.out_channels, 1), nn.Sigmoid())
