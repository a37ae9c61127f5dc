"""The network of CompMirror, with its own upsampling and with a cell of NAS-DIP."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from nasir.core.evaluator import Evaluation, Problem
from nasir.core.hints import Hints, give
from nasir.core.search_space import Signature
from nasir.core.trial import FULL, Proposal
from nasir.fitting.dip import DeepImagePrior
from nasir.search_spaces.nasdip.space import NasDip
from nasir.tasks.factorize import Factorize
from nasir.tasks.physics.light_transport import standardised_totals


def network(name: str, depth: int = 5, width: int = 128, hints: int = 0) -> nn.Module:
    torch.manual_seed(0)
    space = NasDip(depth=depth, width=width)
    return space.build(space.named(name), Signature(32, 1, hints=hints))


@pytest.mark.parametrize(("name", "cells"), [("comp_mirror", 0), ("comp_mirror_nasdip", 1)])
def test_the_network_has_the_parameters_of_its_layers(name: str, cells: int) -> None:
    """64 latent channels, then 32, 64, 64, 128, 128 (its published experiment), 64 and 1."""
    widths = [64, 32, 64, 64, 128, 128]
    expected = 64 * 4 * 4
    for before, after in pairwise(widths):
        expected += (before + 2) * after * 16 + after
        expected += cells * after // 4 * after * 25  # a quarter of the channels in, 5 x 5
    expected += 130 * 64 * 9 + 64 + 66 * 9 + 1
    assert sum(p.numel() for p in network(name).parameters()) == expected


@pytest.mark.parametrize("name", ["comp_mirror", "comp_mirror_nasdip"])
def test_latents_are_learnt_and_the_input_is_not_looked_at(name: str) -> None:
    net = network(name, depth=2, width=8).eval()
    y = net(torch.rand(1, 32, 19, 30))
    assert y.shape == (1, 1, 19, 30)
    assert (y > 0).all()
    assert torch.equal(y, net(torch.zeros(1, 32, 19, 30)))
    y.sum().backward()
    assert net.get_parameter("latent").grad.abs().min() > 0


def test_half_of_the_latent_maps_are_dropped_while_it_is_fitted() -> None:
    net = network("comp_mirror", depth=1, width=64)
    nn.init.ones_(net.get_parameter("latent"))
    seen: list[torch.Tensor] = []
    net.get_submodule("convolutions.0").register_forward_hook(lambda m, x, y: seen.append(x[0]))
    net(torch.zeros(1, 32, 16, 16))
    maps = seen[0][0, :-2].mean((1, 2))  # the last two are coordinates
    assert set(maps.tolist()) == {0.0, 2.0}
    assert seen[0][0, -2, :, 0].tolist() == pytest.approx(torch.linspace(-1, 1, 11).tolist())


@pytest.mark.parametrize("name", ["comp_mirror", "comp_mirror_nasdip"])
def test_the_first_3_x_3_convolution_alone_sees_the_hints(name: str) -> None:
    plain, hinted = (dict(network(name, 2, 8, hints).named_parameters()) for hints in (0, 1))
    larger = {key for key in plain if plain[key].shape != hinted[key].shape}
    assert larger == {"mix.weight"}
    assert plain["mix.weight"].shape == (4, 10, 3, 3)
    assert hinted["mix.weight"].shape == (4, 11, 3, 3)
    assert not any(isinstance(part, Hints) for part in network(name, 2, 8).modules())


def test_hints_are_over_the_pixels_that_they_are_of() -> None:
    net = network("comp_mirror", depth=3, width=8, hints=1)
    maps = torch.rand(1, 1, 18, 13)
    give(net, maps)
    seen: list[torch.Tensor] = []
    net.get_submodule("mix").register_forward_hook(lambda m, x, y: seen.append(x[0]))
    assert net(torch.zeros(1, 32, 18, 13)).shape == maps.shape  # cut out of 24 x 16
    found = seen[0][:, 8:9, 1:-1, 1:-1]  # after the 8 features; the border is repeated
    assert torch.equal(found[..., 3:21, 1:14], maps)
    assert torch.equal(found[..., :3, 1:14], maps[..., :1, :].expand(-1, -1, 3, -1))
    assert torch.equal(found[..., 14:], found[..., 13:14].expand(-1, -1, -1, 2))


def test_a_fit_is_with_the_hints_of_its_picture_and_goes_on_to_the_same_bits(
    tmp_path: Path,
) -> None:
    space, task = NasDip(depth=1, width=8), Factorize(size=16, places=16, compares="gradient")
    method = DeepImagePrior(iterations=4, device="cpu", stop="fixed", weight_decay=0.1)

    def fitted(fidelity: float, folder: Path | None, artifacts: bool) -> Evaluation:
        problem = Problem(space, task, {FULL: method}, artifacts=artifacts, checkpoints=folder)
        return method.evaluate(Proposal(space.named("comp_mirror"), fidelity=fidelity), problem, 1)

    whole = fitted(1.0, None, True)
    fitted(0.5, tmp_path, False)
    assert len(list(tmp_path.glob("fit-*"))) == 1
    resumed = fitted(1.0, tmp_path, True)
    for name, weight in whole.weights.items():
        assert np.array_equal(weight, resumed.weights[name])
    (sample,) = task.samples("search")
    (maps,) = (weight for name, weight in whole.weights.items() if name.endswith("hints.maps"))
    np.testing.assert_array_equal(maps, standardised_totals(sample.degraded))
