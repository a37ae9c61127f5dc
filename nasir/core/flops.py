"""Counting the floating-point operations of a pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class CountedFlops(TorchDispatchMode):
    """Counts as ``torch.utils.flop_counter`` does; `total` so far, two for a multiply-add.

    Torch's own counter imports ``torch._dynamo``, which takes as long as torch itself.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or torch imports its compiler to keep it away

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if torch.is_inference_mode_enabled():  # an operation may come as a whole
            with self:
                parts = func.decompose(*args, **named)
            if parts is not NotImplemented:
                return parts
        output = func(*args, **named)
        flops = flop_registry.get(func._overloadpacket)
        if flops is not None:
            self.total += flops(*args, **named, out_val=output)
        return output
