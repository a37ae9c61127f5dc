"""A forward operator: how a picture is observed, which a fit takes into account."""

import attrs
from attrs import validators as must

from nasir import setting
from nasir.core.degradation import ForwardOperator


@attrs.frozen
class Ghost(ForwardOperator):
    """A weaker second image beside the picture, as a window pane reflects it."""

    strength: float = setting(0.5, "brightness of the second image over the first, > 0", must.gt(0))
    shift: int = setting(4, "how far to the right it is, in pixels, >= 1", must.ge(1))
    borders = "periodic"

    @property
    def reach(self):
        return self.shift

    def operator(self, size, generator):
        from nasir_example.ghosting import Ghosting

        return Ghosting(self.strength, self.shift)
