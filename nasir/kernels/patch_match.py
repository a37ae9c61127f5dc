"""Known patches that are most like those at a hole, and the hole filled from them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt
from torch import Generator, Tensor

SIDE, HALF = 7, 3
"""Pixels of a patch's side, and on each side of its centre."""

DECAY = 1.3
"""What is d pixels deep in a hole counts ``DECAY ** -d``: what is known reaches inwards (Wexler,
Shechtman and Irani 2007, section 3.3)."""

EXHAUSTIVE = 2e6
"""Every known patch is tried for every one at the hole if that makes so few pairs."""

FIRST_PASSES = 15
"""Passes of a search that begins anywhere."""

CHUNK = 32768
"""Patches or pixels that are worked on at a time."""

NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0))


class PatchField:
    """A picture with a hole, and for each patch that touches the hole a known patch like it.

    `picture` ``(C, H, W)`` is changed in the `hole` ``(H, W)`` alone. Patches have 7 x 7 pixels;
    a position is that of a patch's centre, ``row * W + column``. Channels beyond the colours may be
    features to compare by: all are filled alike.
    """

    def __init__(self, picture: Tensor, hole: Tensor) -> None:
        self.channels, self.height, self.width = picture.shape
        self.hole = hole.flatten()
        self.values = picture.permute(1, 2, 0).reshape(-1, self.channels).contiguous()
        steps = torch.arange(-HALF, HALF + 1)
        self.rows, self.columns = steps.repeat_interleave(SIDE), steps.repeat(SIDE)
        self.offsets = self.rows * self.width + self.columns
        touched = F.max_pool2d(hole[None, None].float(), SIDE, 1, HALF)[0, 0] > 0
        inner = torch.zeros_like(touched)
        inner[HALF : self.height - HALF, HALF : self.width - HALF] = True
        self.known = (inner & ~touched).flatten()
        self.targets = (inner & touched).flatten().nonzero().flatten()
        self.number = torch.full_like(self.hole, -1, dtype=torch.long)
        self.number[self.targets] = torch.arange(len(self.targets))
        depth = torch.from_numpy(distance_transform_edt(hole.numpy())).flatten()
        self.certainty = (DECAY**-depth).to(picture.dtype)
        self.match = torch.zeros_like(self.targets)
        self.cost = torch.ones(len(self.targets), dtype=picture.dtype)

    @property
    def picture(self) -> Tensor:
        """``(C, H, W)``, as far as it is filled."""
        return self.values.reshape(self.height, self.width, -1).permute(2, 0, 1)

    def begin(self, generator: Generator) -> None:
        """Fill the hole layer by layer from its edge, by what is known or filled already."""
        certainty, done = self.certainty, ~self.hole
        while not done.all():
            self.certainty = done.to(certainty.dtype)
            self.find(generator, anew=True)
            grown = F.max_pool2d(done.view(1, 1, self.height, self.width).float(), 3, 1, 1)
            layer = (grown.flatten() > 0) & ~done
            self._vote(layer.nonzero().flatten())
            done |= layer
        self.certainty = certainty

    def find(self, generator: Generator, anew: bool = False) -> None:
        """The matches of a first scale: the best of all, or those of a long search."""
        candidates = self.known.nonzero().flatten()
        if len(candidates) * len(self.targets) <= EXHAUSTIVE:
            self._try_all(candidates)
            return
        if anew:
            drawn = torch.randint(len(candidates), (len(self.targets),), generator=generator)
            self.match = candidates[drawn]
        self.search(generator, FIRST_PASSES if anew else 2)

    def follow(self, coarse: PatchField) -> None:
        """Begin with the matches at half the resolution, and what they make of the hole."""
        rows, columns = self.targets // self.width, self.targets % self.width
        above = (rows // 2).clamp(HALF, coarse.height - 1 - HALF)
        beside = (columns // 2).clamp(HALF, coarse.width - 1 - HALF)
        place = above * coarse.width + beside
        number = coarse.number[place]
        match = torch.where(number >= 0, coarse.match[number.clamp(min=0)], place)
        row = (2 * (match // coarse.width - above) + rows).clamp(HALF, self.height - 1 - HALF)
        column = (2 * (match % coarse.width - beside) + columns).clamp(HALF, self.width - 1 - HALF)
        found = row * self.width + column
        candidates = self.known.nonzero().flatten()
        other = torch.searchsorted(candidates, found).clamp(max=len(candidates) - 1)
        self.match = torch.where(self.known[found], found, candidates[other])
        self.cost = torch.zeros(len(self.targets), dtype=self.values.dtype)
        self.fill()

    def search(self, generator: Generator, passes: int = 1) -> None:
        """Better matches from those of neighbours and at random (Barnes et al. 2009, PatchMatch).

        Neighbours are tried all at once, so that the result does not depend on an order.
        """
        every = torch.arange(len(self.targets))
        self.cost = self._costs(every, self.match)
        rows, columns = self.targets // self.width, self.targets % self.width
        for _ in range(passes):
            for down, right in NEIGHBOURS:
                inside = self._inside(rows - down, columns - right)
                place = (rows - down) * self.width + columns - right
                number = torch.where(inside, self.number[place.clamp(0, len(self.hole) - 1)], -1)
                own = (number >= 0).nonzero().flatten()
                there = self.match[number[own]]
                self._try(own, there // self.width + down, there % self.width + right)
            radius = max(self.height, self.width)
            while radius >= 1:
                steps = torch.randint(-radius, radius + 1, (2, len(every)), generator=generator)
                row, column = self.match // self.width, self.match % self.width
                self._try(every, row + steps[0], column + steps[1])
                radius //= 2

    def fill(self) -> None:
        """Each missing pixel becomes the mean of what the matches of its patches have there.

        A match of cost d weighs exp(-d / 2 s), with s the third quartile of all costs (Newson et
        al. 2014, equation 3), and by how certain its patch is.
        """
        self._vote(self.hole.nonzero().flatten())

    def _vote(self, pixels: Tensor) -> None:
        quartile = torch.quantile(self.cost, 0.75).clamp(min=1e-9)
        shares = torch.exp(-self.cost / (2 * quartile)).clamp(min=1e-20) * self._certainties()
        filled = [self._mean(chunk, shares) for chunk in pixels.split(CHUNK)]
        self.values[pixels] = torch.cat(filled)

    def _certainties(self) -> Tensor:
        """How certain each patch at the hole is, in the mean over its pixels."""
        even = torch.ones(1, 1, 1, SIDE) / SIDE
        certainty = self.certainty.view(1, 1, self.height, self.width)
        means = F.conv2d(F.conv2d(certainty, even), even.transpose(2, 3))
        return F.pad(means, (HALF, HALF, HALF, HALF)).flatten()[self.targets]

    def _mean(self, pixels: Tensor, shares: Tensor) -> Tensor:
        """What patches with `shares` make of some pixels: ``(N, C)``."""
        rows = (pixels // self.width)[:, None] - self.rows
        columns = (pixels % self.width)[:, None] - self.columns
        inside = self._inside(rows, columns)
        place = (pixels[:, None] - self.offsets).clamp(0, len(self.hole) - 1)
        number = torch.where(inside, self.number[place], -1)
        weight = torch.where(number >= 0, shares[number.clamp(min=0)], 0)
        there = self.match[number.clamp(min=0)] + self.offsets
        total = (self.values[there] * weight[..., None]).sum(1)
        return total / weight.sum(1, keepdim=True)

    def _inside(self, rows: Tensor, columns: Tensor) -> Tensor:
        return (rows >= 0) & (rows < self.height) & (columns >= 0) & (columns < self.width)

    def _try(self, own: Tensor, rows: Tensor, columns: Tensor) -> None:
        """Take other matches for the patches `own` where they are known patches and better."""
        inside = self._inside(rows, columns)
        match = torch.where(inside, rows * self.width + columns, 0)
        inside &= self.known[match]
        own, match = own[inside], match[inside]
        cost = self._costs(own, match)
        better = cost < self.cost[own]
        self.match[own[better]], self.cost[own[better]] = match[better], cost[better]

    def _costs(self, own: Tensor, match: Tensor) -> Tensor:
        """The mean squared differences of patches and their matches, by certainty."""

        def costs(own: Tensor, match: Tensor) -> Tensor:
            place = self.targets[own][:, None] + self.offsets
            weight = self.certainty[place]
            error = self.values[place] - self.values[match[:, None] + self.offsets]
            return (error.square().sum(2) * weight).sum(1) / weight.sum(1).clamp(min=1e-6)

        return _by_chunks(costs, own, match)

    def _try_all(self, candidates: Tensor) -> None:
        """Take the best of all `candidates`: |a - b|^2 = |a|^2 - 2 a b + |b|^2, by certainty."""
        there = self.values[candidates[:, None] + self.offsets].flatten(1)
        place = self.targets[:, None] + self.offsets
        weight = self.certainty[place]
        weight = (weight / weight.sum(1, keepdim=True).clamp(min=1e-6)).repeat_interleave(
            self.channels, 1
        )
        own = self.values[place].flatten(1)
        cost = weight @ there.square().T - 2 * (weight * own) @ there.T
        cost += (weight * own.square()).sum(1, keepdim=True)
        best = cost.min(1)
        self.match, self.cost = candidates[best.indices], best.values.clamp(min=0)


def _by_chunks(
    function: Callable[[Tensor, Tensor], Tensor], first: Tensor, second: Tensor
) -> Tensor:
    """The results of `function` for so many rows at a time, joined."""
    pairs = zip(first.split(CHUNK), second.split(CHUNK), strict=True)
    return torch.cat([function(*pair) for pair in pairs])
