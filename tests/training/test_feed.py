from __future__ import annotations

import threading

import attrs
import pytest
import torch
from toy_training import WavePatches

from nasir.core.errors import PictureError
from nasir.core.seeds import derived_seed
from nasir.training.feed import Feed

PATCHES = WavePatches(("a", "b", "c"))


def same(first, second) -> bool:  # type: ignore[no-untyped-def]
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("ahead", [0, 1, 4])
def test_a_batch_depends_on_seed_and_step_alone(ahead: int) -> None:
    with Feed(PATCHES, 5, 3, 8, ahead) as feed:
        for step in (0, 1, 2, 2, 7, 1):
            assert same(feed.batch(step), PATCHES.batch(derived_seed(5, step), 3, 8))
    assert same(feed.batch(3), PATCHES.batch(derived_seed(5, 3), 3, 8))


@attrs.frozen
class Watched(WavePatches):
    """Records which batches were made."""

    made: dict[int, threading.Event] = attrs.field(factory=dict)

    def batch(self, seed, count, side):  # type: ignore[no-untyped-def]
        self.made.setdefault(seed, threading.Event()).set()
        if seed == derived_seed(0, 9):
            raise PictureError("p9 cannot be read")
        return super().batch(seed, count, side)


def test_the_next_batches_are_made_in_advance() -> None:
    coming = {derived_seed(0, step): threading.Event() for step in range(4)}
    patches = Watched(("a", "b"), made=coming)
    with Feed(patches, 0, 1, 4, ahead=2) as feed:
        feed.batch(0)
        assert coming[derived_seed(0, 1)].wait(10)
        assert coming[derived_seed(0, 2)].wait(10)
        assert not coming[derived_seed(0, 3)].is_set()


def test_an_error_in_a_thread_is_raised_with_its_batch() -> None:
    with Feed(Watched(("a",)), 0, 1, 4) as feed:
        feed.batch(8)
        with pytest.raises(PictureError, match="p9"):
            feed.batch(9)
        feed.batch(10)


def test_no_thread_remains() -> None:
    before = threading.active_count()
    with Feed(PATCHES, 0, 1, 4) as feed:
        feed.batch(0)
    assert threading.active_count() == before
