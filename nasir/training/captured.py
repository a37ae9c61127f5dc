"""Steps as one CUDA graph."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from nasir.core.errors import EvaluationError

log = logging.getLogger("nasir")

WARM_UP = 3
"""Steps that are done one kernel after another before a step is captured."""

Step = Callable[..., Tensor]


class Captured:
    """`step` on inputs of one shape: after a few plain steps, a CUDA graph of it.

    `step` maps its inputs to the loss, and changes weights in place. Inputs that are not tensors
    are those of the first steps for ever. What it draws comes from the
    global generator of the device and from `generators`. What cannot be captured goes on one
    kernel after another, and the log says why; with `must` it raises
    :class:`~nasir.core.errors.EvaluationError`.
    """

    def __init__(
        self, step: Step, must: bool = False, generators: Sequence[torch.Generator] = ()
    ) -> None:
        self._step, self._must, self._generators = step, must, generators
        self._plain = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Any, ...]
        self._loss: Tensor

    def __call__(self, *inputs: Any) -> Tensor:
        if self._graph is None and self._plain == WARM_UP:
            self._capture(inputs)
        if self._graph is None:
            self._plain += 1
            return self._step(*inputs)
        for held, given in zip(self._inputs, inputs, strict=True):
            if isinstance(held, Tensor):
                held.copy_(given)
        self._graph.replay()
        return self._loss.clone()

    def _capture(self, inputs: Sequence[Any]) -> None:
        self._inputs = tuple(each.clone() if isinstance(each, Tensor) else each for each in inputs)
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        try:
            for generator in self._generators:
                graph.register_generator_state(generator)
            graph.capture_begin()  # torch.cuda.graph would empty the cache of memory first
            try:
                self._loss = self._step(*self._inputs)
            finally:
                graph.capture_end()
        except RuntimeError as error:
            reason = str(error.__context__ or error).partition("\n")[0]
            if self._must:
                raise EvaluationError(
                    f"a step cannot be captured as a CUDA graph: {reason}; take capture=auto"
                ) from None
            log.warning("steps are not captured as a CUDA graph: %s", reason)
            self._plain += 1
            return
        self._graph = graph


@contextmanager
def own_stream(device: str | torch.device) -> Iterator[None]:
    """A stream that steps can be captured on, after all that was begun before; nothing on a CPU."""
    if torch.device(device).type == "cpu":
        yield
        return
    outer, own = torch.cuda.current_stream(device), torch.cuda.Stream(device)
    own.wait_stream(outer)
    with torch.cuda.stream(own):
        yield
    outer.wait_stream(own)
