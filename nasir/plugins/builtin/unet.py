"""Residual U-Nets: their search space."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_search_spaces(register: Register) -> None:
    register(
        "unet",
        "nasir.search_spaces.unet.space:UNet",
        "blocks, widths and scales of residual U-Nets, for trained networks (DRUNet)",
    )
