"""The rows of benchmarks/gpu.py that are no fits: trainings, supernets, scores."""

from __future__ import annotations

import time
from typing import Any

import attrs
import torch
from gpu_card import Card, Row, Size, Step, as_torch_chooses, ratio
from gpu_fits import PUBLISHED
from torch import Tensor

from nasir.core.evaluator import Problem
from nasir.core.search_space import Signature
from nasir.core.trial import FULL, Proposal
from nasir.kernels.layout import channels_innermost
from nasir.settings import building
from nasir.strategies.darts.patches import OnPatches
from nasir.strategies.darts.pixels import OnPixels
from nasir.strategies.darts.strategy import Darts
from nasir.training.captured import Captured, own_stream
from nasir.training.randomness import repeatable

CELLS = {"layers": 2, "nodes": 2, "search_width": 2}
SMALL_SPACES: dict[str, dict[str, Any]] = {
    "hinas": CELLS,
    "irnas": CELLS,
    "clearer": {"channels": 4, "cells": 2, "columns": 2},
    "nasdip": {"depth": 1, "width": 4, "input_channels": 4},
}


def row_of_training(card: Card, space: str, architecture: str, batch: int) -> Row:
    """Steps of a training on grey patches, plain and as nasir's trainings do them."""
    side, batch = (24, 2) if card.small else (64, batch)
    made = building.make("space", space)
    half = torch.bfloat16 if card.device != "cpu" else torch.float32

    def step(fast: bool) -> Step:
        torch.manual_seed(0)
        net = made.build(made.named(architecture), Signature(1, 1)).to(card.device)
        if fast:
            net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        on_gpu = card.device != "cpu"
        adam = torch.optim.Adam(net.parameters(), lr=1e-3, fused=fast, capturable=fast and on_gpu)
        x, y = (torch.rand(batch, 1, side, side, device=card.device) for _ in "xy")
        if fast:
            x = channels_innermost(x)

        def descend() -> Tensor:
            with torch.autocast(torch.device(card.device).type, half, enabled=fast and on_gpu):
                output = net(x)
            loss = (output.float() - y).square().mean()
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
            return loss.detach()

        if not fast:
            return as_torch_chooses(lambda: descend().item())
        return Captured(descend) if on_gpu else descend

    with repeatable(card.device), own_stream(card.device):
        times = card.milliseconds(plain=step(False), nasir=step(True))
    with repeatable(card.device, deterministic=False), own_stream(card.device):
        free = card.milliseconds(nasir=step(True))
    return ratio(times) | {"not deterministic ms": free["nasir"], "batch": batch}


def row_of_supernet(card: Card, name: str, batch: int) -> Row:
    """An architecture step and a weight step at the paper's batch: plain, and as two graphs."""
    small = SMALL_SPACES[name] if card.small else {}
    space, pixels = building.make("space", {"name": name, **small}), name == "nasdip"
    side = 16 if card.small else 64
    task = building.make("task", {"name": "denoise", "size": side, "color": "grey", "search": 2})
    problem = Problem(space, task, {})
    usual = Darts(
        epochs=2,
        warmup=0,
        batch=2 if card.small else batch,
        patch=side,
        validation=0.2,
        device=card.device,
        capture="never",
    )

    def steps(**settings: Any) -> Step:
        kind = OnPixels if pixels else OnPatches
        search = kind(attrs.evolve(usual, **settings), problem, card.device)
        search.module.train()
        with search._batches() as batches:
            for_weights, for_architecture = (of(0) for of in batches)

        def both() -> Tensor:
            search._architecture_step(for_weights, for_architecture)
            return search._step_on_weights(*for_weights)

        return both

    with repeatable(card.device), own_stream(card.device):
        plain, captured = steps(), steps(capture="auto")
        times = card.fewer.milliseconds(
            plain=as_torch_chooses(lambda: plain().item()), nasir=captured
        )
    return ratio(times) | {"pictures" if pixels else "batch": 2 if pixels else usual.batch}


def row_of_scoring(card: Card, size: Size) -> Row:
    """Untrained networks scored by the proxy of ISNAS-DIP, on this device and on the CPU."""
    space = size.space()
    task = building.make("task", {"name": "denoise", "size": size.side})
    task.samples("search")
    rates = {}
    for device in dict.fromkeys((card.device, "cpu")):
        evaluator = building.make("evaluator", {"name": "proxy", "device": device})
        problem = Problem(space, task, {FULL: evaluator})
        proposal = Proposal(space.named(PUBLISHED))
        evaluator.evaluate(proposal, problem, 0)
        began, models = time.perf_counter(), 2 if card.small else 5
        for seed in range(models):
            evaluator.evaluate(proposal, problem, seed)
        rates[f"models a second, {device}"] = models / (time.perf_counter() - began)
    return rates
