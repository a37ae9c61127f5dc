"""Optimisers and their state."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.optim import Optimizer

KINDS = ("sgd", "adam", "adamw")

Kind = TypeVar("Kind", bound="Optimizer")


def optimizer(
    kind: str,
    parameters: Iterable[nn.Parameter],
    lr: float,
    momentum: float = 0.9,
    decay: float = 0.0,
    betas: Sequence[float] = (0.9, 0.999),
    capturable: bool = False,
) -> torch.optim.Optimizer:
    """An optimiser that changes all parameters in one pass.

    `momentum` is SGD's, `betas` are Adam's; `decay` is the weight of the L2 penalty, and for
    ``adamw`` that of the decoupled decay. A `capturable` step can be part of a CUDA graph: the
    learning rate is a tensor there.
    """
    import torch
    from torch import optim

    weights = list(parameters)
    rate = torch.tensor(lr, device=weights[0].device) if capturable else lr
    if kind == "sgd":
        # the fused one fails if a weight has its first gradient later than others
        how: dict[str, bool] = {"fused": True} if capturable else {"foreach": True}
        return without_dynamo(optim.SGD)(
            weights, rate, momentum=momentum, weight_decay=decay, **how
        )
    kinds: dict[str, type[optim.Adam]] = {"adam": optim.Adam, "adamw": optim.AdamW}
    if kind in kinds:
        return without_dynamo(kinds[kind])(
            weights,
            rate,
            (betas[0], betas[1]),
            weight_decay=decay,
            fused=True,
            capturable=capturable,
        )
    raise ValueError(f"no optimizer {kind!r}: {', '.join(KINDS)}")


def without_dynamo(kind: type[Kind]) -> type[Kind]:
    """The same optimiser, to the bit, that does not import ``torch._dynamo``.

    That takes as long as importing torch itself: torch guards some methods against its compiler,
    which is not used on them here.
    """
    import torch

    guarded = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in guarded}
    methods["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), methods)


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of all parameters."""
    import torch

    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's tensors for each parameter, by ``PLACE/NAME``; no learning rates."""
    import torch

    return {
        f"{place}/{name}": value
        for place, tensors in optimizer.state_dict()["state"].items()
        for name, value in tensors.items()
        if isinstance(value, torch.Tensor)
    }


def load_optimizer_state(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Load the :func:`optimizer_state` of an optimiser of the same parameters."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        place, _, name = key.partition("/")
        state.setdefault(int(place), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
