"""Networks whose kernels torch.compile makes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nasir.core.errors import EvaluationError


def compiled(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """The forward pass of `network`, compiled when it is called first.

    Raises :class:`~nasir.core.errors.EvaluationError` where it cannot be compiled.
    """
    forward = torch.compile(network)

    def call(x: Tensor) -> Tensor:
        try:
            y: Tensor = forward(x)
        except torch._dynamo.exc.TorchDynamoException as error:
            reason = str(error).strip().partition("\n")[0]
            raise EvaluationError(
                f"torch.compile cannot compile this network here: {reason}; take "
                "evaluator.compile=false"
            ) from error
        return y

    return call
