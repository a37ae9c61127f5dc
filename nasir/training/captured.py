"""Training steps as one CUDA graph."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

log = logging.getLogger("nasir")

WARM_UP = 3
"""Steps that are done one kernel after another before a step is captured."""

Step = Callable[[Tensor, Tensor], Tensor]


class Captured:
    """`step` on batches of one shape: after a few plain steps, a CUDA graph of it.

    `step` maps a degraded and a clean batch to the loss, and changes weights in place. What cannot
    be captured goes on one kernel after another, and the log says why.
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        self._plain = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, Tensor]
        self._loss: Tensor

    def __call__(self, degraded: Tensor, clean: Tensor) -> Tensor:
        if self._graph is None and self._plain == WARM_UP:
            self._capture(degraded, clean)
        if self._graph is None:
            self._plain += 1
            return self._step(degraded, clean)
        self._inputs[0].copy_(degraded)
        self._inputs[1].copy_(clean)
        self._graph.replay()
        return self._loss.clone()

    def _capture(self, degraded: Tensor, clean: Tensor) -> None:
        self._inputs = (degraded.clone(), clean.clone())
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        try:
            with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
                self._loss = self._step(*self._inputs)
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            log.warning("steps are not captured as a CUDA graph: %s", reason)
            self._plain += 1
            return
        self._graph = graph
