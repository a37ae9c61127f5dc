"""JPEG by Pillow's encoder (libjpeg)."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def compressed(x: Tensor, quality: int) -> Tensor:
    """`x` ``(1, C, H, W)``, clipped to [0, 1], after JPEG of a quality from 1 to 100: float32."""
    values = (x[0].clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(values if values.shape[-1] == 3 else values[..., 0]).save(
        file, "JPEG", quality=quality
    )
    seen = np.asarray(Image.open(file), np.float32) / np.float32(255)
    return torch.from_numpy(seen.reshape(values.shape)).permute(2, 0, 1)[None].contiguous()
