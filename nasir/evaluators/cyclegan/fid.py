"""How far pictures are from others as a set: the Fréchet inception distance."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from nasir.core.errors import SettingsError
from nasir.training.device import device_of

BATCH = 16


@lru_cache(maxsize=1)
def inception(weights: str) -> nn.Module:
    """The Inception network of torch-fidelity, with weights from a file; nothing is downloaded.

    The file is torch-fidelity's ``weights-inception-2015-12-05-6726825d.pth``, read without
    unpickling. Raises :class:`SettingsError` without torch-fidelity, or for another file.
    """
    try:
        from torch_fidelity import FeatureExtractorInceptionV3
    except ImportError:
        raise SettingsError(
            "evaluator.weights is for FID, which needs torch-fidelity: pip install nasir[fid]"
        ) from None
    # torch-fidelity would unpickle whatever is in the file, so that it gets what is safe of it.
    safe = io.BytesIO()
    torch.save(_state(weights), safe)
    safe.seek(0)
    try:
        network: nn.Module = FeatureExtractorInceptionV3(
            "nasir", ["2048"], feature_extractor_weights_path=safe
        )
    except (RuntimeError, TypeError, AttributeError):
        raise _not_weights(weights) from None
    return network


def features(network: nn.Module, pictures: Sequence[Tensor]) -> Tensor:
    """The network's features ``(n, d)``, float64, of pictures ``(1, 3, H, W)`` in [0, 1].

    Pictures are clipped and rounded to 8 bits first, as they would be in files.
    """
    device = device_of(network)
    parts = [pictures[i : i + BATCH] for i in range(0, len(pictures), BATCH)]
    batches = [(torch.cat(list(x)).clamp(0, 1) * 255).round().byte().to(device) for x in parts]
    with torch.no_grad():
        return torch.cat([network(batch)[0].double().cpu() for batch in batches])


def frechet_distance(x: Tensor, y: Tensor) -> float:
    """The squared Fréchet distance of the Gaussians fitted to the rows of `x` and `y`.

    |m_x - m_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2)) (Heusel et al. 2017, equation 6), with
    unbiased covariances. With S = C^T C of centred rows C = (x - m) / sqrt(n - 1), the trace of
    the root is the sum of the singular values of C_x C_y^T, which is only as large as the sets.
    """
    mean_x, mean_y = x.mean(0), y.mean(0)
    centred_x = (x - mean_x) / (len(x) - 1) ** 0.5
    centred_y = (y - mean_y) / (len(y) - 1) ** 0.5
    traces = centred_x.square().sum() + centred_y.square().sum()
    root = torch.linalg.svdvals(centred_x @ centred_y.T).sum()
    return ((mean_x - mean_y).square().sum() + traces - 2 * root).item()


def _state(weights: str) -> Any:
    try:
        return torch.load(weights, map_location="cpu", weights_only=True)
    except OSError as error:
        raise SettingsError(
            f"evaluator.weights: cannot read {weights}: {error.strerror}; FID wants torch-"
            "fidelity's Inception weights in a local file"
        ) from None
    except Exception:  # torch raises all sorts of things at what is no file of its own
        raise _not_weights(weights) from None


def _not_weights(weights: str) -> SettingsError:
    return SettingsError(
        f"evaluator.weights: {weights} does not hold torch-fidelity's Inception weights "
        "(weights-inception-2015-12-05-6726825d.pth)"
    )
