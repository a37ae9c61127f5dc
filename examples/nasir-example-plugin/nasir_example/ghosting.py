"""The operator of a second image."""

from nasir.core.operator import Operator


class Ghosting(Operator):
    """A x = (x + s S x) / (1 + s), where S moves a picture to the right, over its border."""

    def __init__(self, strength, shift):
        super().__init__()
        self.strength, self.shift = strength, shift

    def forward(self, x):
        return (x + self.strength * x.roll(self.shift, -1)) / (1 + self.strength)

    def adjoint(self, y):
        return (y + self.strength * y.roll(-self.shift, -1)) / (1 + self.strength)
