"""The classical methods that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_methods(register: Register) -> None:
    register("degraded", "nasir.baselines.degraded:Degraded", "nothing done")
    register("bicubic", "nasir.baselines.bicubic:Bicubic", "bicubic enlargement")
    register("tv", "nasir.baselines.tv:TotalVariation", "total variation denoising")
    register("nlm", "nasir.baselines.nlm:NonLocalMeans", "non-local means")
    register(
        "wavelet", "nasir.baselines.wavelet:WaveletShrinkage", "wavelet shrinkage (BayesShrink)"
    )
    register("bm3d", "nasir.baselines.bm3d:Bm3d", "BM3D, CBM3D in colour (package bm3d)")
    register("biharmonic", "nasir.baselines.biharmonic:Biharmonic", "biharmonic inpainting")
    register(
        "exemplar", "nasir.baselines.exemplar:Exemplar", "inpainting with patches of the picture"
    )
    register(
        "plug_and_play",
        "nasir.networks.plug_and_play:PlugAndPlay",
        "inpainting with a trained denoiser as prior",
    )
    register("dpir", "nasir.networks.dpir:Dpir", "deblurring with a trained denoiser as prior")
