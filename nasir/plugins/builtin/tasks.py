"""The tasks that come with nasir."""

from nasir.core.registry import USES
from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_tasks(register: Register) -> None:
    register(
        "denoise",
        "nasir.tasks.denoise:Denoise",
        "remove noise from photographs",
        default_for=USES,
    )
    register("sr", "nasir.tasks.super_resolution:SuperResolution", "enlarge photographs")
    register(
        "real_denoise",
        "nasir.tasks.real_denoise:RealDenoise",
        "remove what a camera adds to photographs",
    )
    register("derain", "nasir.tasks.derain:Derain", "remove streaks of rain")
    register("deblur", "nasir.tasks.deblur:Deblur", "remove a known blur")
    register("jpeg", "nasir.tasks.jpeg:JpegArtefacts", "remove artefacts of JPEG compression")
    register(
        "degraded", "nasir.tasks.degraded:Degraded", "undo any degradation, such as blur+gaussian"
    )
    register("inpaint", "nasir.tasks.inpaint:Inpaint", "fill in missing pixels")
    register("dehaze", "nasir.tasks.dehaze:Dehaze", "remove haze (Double-DIP)")
    register(
        "factorize",
        "nasir.tasks.factorize:Factorize",
        "see a hidden video in the light that it casts (Computational Mirrors)",
    )
    register(
        "translate",
        "nasir.tasks.translate:Translate",
        "make pictures of one domain look like another's, from unpaired ones",
    )
