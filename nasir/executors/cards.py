"""The GPUs of this machine, for workers that have one each."""

from __future__ import annotations

import logging
import os

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The environment variable with the cards that a process may use, by number or name; ``cuda`` is
the first."""

log = logging.getLogger("nasir")


def visible_cards() -> list[str]:
    """The cards that this process may use, as :data:`VISIBLE` names them; torch is imported.

    Numbers and names that are no card of this machine are left out, with all after them, as CUDA
    does.
    """
    import torch

    count = torch.cuda.device_count()
    named = os.environ.get(VISIBLE)
    cards = [str(i) for i in range(count)] if named is None else named.split(",")
    return [card.strip() for card in cards[:count]]


def cards_of(workers: int) -> list[str | None]:
    """What each worker has for :data:`VISIBLE`: another card first; None where there is no choice.

    The other cards follow, so that one with a number, as ``cuda:1``, can still be asked for. The
    log says where workers share a card, and where the same trial may come to other bits since
    cards differ.
    """
    import torch

    cards = visible_cards()
    if cards and workers > len(cards):
        log.info(
            "%d workers share %d GPU%s: they take turns on it and may gain nothing; "
            "executor=streams evaluates at once on one",
            workers,
            len(cards),
            "" if len(cards) == 1 else "s",
        )
    if len(cards) < 2:
        return [None] * workers
    kinds = sorted({torch.cuda.get_device_name(i) for i in range(min(workers, len(cards)))})
    if len(kinds) > 1:
        log.warning(
            "the GPUs differ (%s): a trial may come to other bits on another", ", ".join(kinds)
        )
    turns = [worker % len(cards) for worker in range(workers)]
    return [",".join(cards[turn:] + cards[:turn]) for turn in turns]
