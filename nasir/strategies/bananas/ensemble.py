"""Small networks that predict scores and their spread."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from nasir.training.optimizers import without_dynamo

LR = 0.01
HIDDEN = (32, 32)
"""Fully connected networks of three layers, trained by Adam on all scores at once."""

WEIGHT_DECAY = 1e-3

Layer = tuple[torch.Tensor, torch.Tensor]


class Ensemble:
    """M networks ``(N, features) -> (N,)`` that differ in how they were initialised.

    They are trained side by side as one batch of matrix products, to the least mean squared error
    of scores that are scaled to mean 0 and standard deviation 1. The same seed and data give the
    same networks, to the bit.

    BANANAS trains deeper networks by a percentage error, which needs a bound of the scores. A
    score here may be any metric, without a bound.
    """

    def __init__(
        self, features: np.ndarray, scores: np.ndarray, members: int, epochs: int, seed: int
    ) -> None:
        self._centre = float(scores.mean())
        self._scale = float(scores.std()) or 1.0
        generator = torch.Generator().manual_seed(seed)
        sizes = (features.shape[1], *HIDDEN, 1)
        self._layers = [
            _layer(members, inputs, outputs, generator) for inputs, outputs in pairwise(sizes)
        ]
        self._fit(features, (scores - self._centre) / self._scale, epochs)

    def predict(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (of a sample of M) of the predicted scores, each ``(N,)``."""
        with torch.inference_mode():
            predicted = self._forward(torch.from_numpy(features)).double().numpy()
        spread = predicted.std(axis=0, ddof=1) if len(predicted) > 1 else 0 * predicted[0]
        return predicted.mean(axis=0) * self._scale + self._centre, spread * self._scale

    def _fit(self, features: np.ndarray, targets: np.ndarray, epochs: int) -> None:
        x = torch.from_numpy(features)
        y = torch.from_numpy(targets.astype(np.float32))
        parameters = [tensor for layer in self._layers for tensor in layer]
        optimizer = without_dynamo(torch.optim.AdamW)(parameters, LR, weight_decay=WEIGHT_DECAY)
        with torch.enable_grad():
            for _ in range(epochs):
                optimizer.zero_grad()
                (self._forward(x) - y).square().mean(dim=1).sum().backward()
                optimizer.step()

    def _forward(self, x: torch.Tensor) -> torch.Tensor:
        """The prediction of each network, ``(N, features) -> (M, N)``."""
        hidden = x.expand(len(self._layers[0][0]), *x.shape)
        for weight, bias in self._layers[:-1]:
            hidden = torch.relu(torch.baddbmm(bias, hidden, weight))
        weight, bias = self._layers[-1]
        return torch.baddbmm(bias, hidden, weight)[:, :, 0]


def _layer(members: int, inputs: int, outputs: int, generator: torch.Generator) -> Layer:
    """Weights and biases of one layer of all networks, initialised as He et al. (2015) do."""
    weight = torch.randn(members, inputs, outputs, generator=generator) * (2 / inputs) ** 0.5
    bias = torch.zeros(members, 1, outputs)
    return weight.requires_grad_(), bias.requires_grad_()
