"""Choosing the options of a trained supernet by what it loses without each (DARTS-PT).

Wang, Cheng, Chen, Tang and Hsieh, "Rethinking Architecture Selection in Differentiable NAS",
ICLR 2021, algorithms 1 and 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from nasir.core.progress import report
from nasir.core.seeds import derived_seed
from nasir.core.supernet import Inputs

if TYPE_CHECKING:
    from nasir.strategies.darts.bilevel import Bilevel

Closed = dict[str, Tensor]


def select(search: Bilevel) -> dict[str, float]:
    """Choose an option in each row, then the rows that stay, of `search`'s supernet.

    In a random order, an option is chosen by how much the validation PSNR drops when it alone is
    taken out, the others are closed, and the weights are tuned for some steps. Then of rows that
    compete those stay whose loss without them is greatest. Leaves the supernet closed; returns
    its figures.
    """
    supernet, tuning = search.supernet, search.settings.tuning
    closed = {
        t: supernet.closed.get(t, torch.zeros(p.shape, dtype=torch.bool)).clone()
        for t, p in supernet.logits().items()
    }
    for inputs in supernet.competing():  # a row may go, but not before its option is chosen
        _flat(closed[inputs.table])[list(inputs.rows), inputs.none] = True
    rows = _rows(search)
    groups = list(supernet.competing())
    order = np.random.default_rng(derived_seed(search.seed, "selection")).permutation(len(rows))
    total = len(rows) + len(groups)
    for done, place in enumerate(order):
        table, row = rows[place]
        _keep_only(closed, table, row, _most_missed(search, closed, table, row))
        supernet.close(closed)
        search.tune(done * tuning, tuning)
        report(done + 1, total)
    for done, inputs in enumerate(groups, start=len(rows)):
        _keep_inputs(search, closed, inputs)
        supernet.close(closed)
        search.tune(done * tuning, tuning)
        report(done + 1, total)
    return search.validate()


def _rows(search: Bilevel) -> list[tuple[str, int]]:
    """Every row that has something to choose."""
    supernet = search.supernet
    return [
        (table, row)
        for table, logits in supernet.logits().items()
        for row in range(logits.numel() // logits.shape[-1])
    ]


def _most_missed(search: Bilevel, closed: Closed, table: str, row: int) -> int:
    """The open option of a row without which the validation PSNR is least."""
    options = [o for o, shut in enumerate(_flat(closed[table])[row].tolist()) if not shut]
    if len(options) == 1:
        return options[0]
    without = {option: _psnr(search, _with(closed, table, [row], [option])) for option in options}
    return min(without, key=without.__getitem__)


def _keep_inputs(search: Bilevel, closed: Closed, inputs: Inputs) -> None:
    """Of competing rows keep those that are missed most, and take `none` in the others."""
    without = {row: _psnr(search, _gone(closed, inputs, row)) for row in inputs.rows}
    leaving = sorted(inputs.rows, key=without.__getitem__)[inputs.keep :]
    for row in leaving:
        _keep_only(closed, inputs.table, row, inputs.none)


def _psnr(search: Bilevel, closed: Closed) -> float:
    search.supernet.close(closed)
    return search.validate()[search.score_by]


def _with(closed: Closed, table: str, rows: list[int], options: list[int]) -> Closed:
    """`closed` with more options closed."""
    more = closed[table].clone()
    _flat(more)[rows, options] = True
    return {**closed, table: more}


def _gone(closed: Closed, inputs: Inputs, row: int) -> Closed:
    """`closed` with a row whose only option is `none`."""
    copied = {**closed, inputs.table: closed[inputs.table].clone()}
    _keep_only(copied, inputs.table, row, inputs.none)
    return copied


def _keep_only(closed: Closed, table: str, row: int, option: int) -> None:
    of_row = _flat(closed[table])[row]
    of_row.fill_(True)
    of_row[option] = False


def _flat(table: Tensor) -> Tensor:
    """A view of a table as ``(rows, options)``."""
    return table.view(-1, table.shape[-1])
