"""The classical methods that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_methods(register: Register) -> None:
    register("degraded", "nasir.methods.degraded:Degraded", "nothing done")
    register("bicubic", "nasir.methods.bicubic:Bicubic", "bicubic enlargement")
    register("tv", "nasir.methods.tv:TotalVariation", "total variation denoising")
    register("nlm", "nasir.methods.nlm:NonLocalMeans", "non-local means")
    register("wavelet", "nasir.methods.wavelet:WaveletShrinkage", "wavelet shrinkage (BayesShrink)")
    register("biharmonic", "nasir.methods.biharmonic:Biharmonic", "biharmonic inpainting")
