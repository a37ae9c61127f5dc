"""Colours of the four inks of a printer."""

from __future__ import annotations

import io

from PIL import Image, ImageCms

REMARK = "it is CMYK: its colours were converted to sRGB"


def from_cmyk(picture: Image.Image) -> Image.Image:
    """The picture in sRGB, by its own profile if it has one."""
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
        srgb = ImageCms.createProfile("sRGB")
        relative = ImageCms.Intent.RELATIVE_COLORIMETRIC
        converted = ImageCms.profileToProfile(picture, own, srgb, relative, "RGB")
    except (ImportError, KeyError, OSError, ImageCms.PyCMSError):
        return picture.convert("RGB")
    return converted or picture.convert("RGB")
