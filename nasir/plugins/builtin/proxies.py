"""The proxies that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register

_SPECTRA = "nasir.proxies.spectra:"


@hookimpl
def register_proxies(register: Register) -> None:
    register("psd_db_mse", _SPECTRA + "PsdDbMse", "mean squared difference of spectra in decibels")
    register(
        "psd_db_strip_mse", _SPECTRA + "PsdDbStripMse", "the same in a ring of low frequencies"
    )
    register(
        "psd_strip_hist_emd",
        _SPECTRA + "PsdStripHistEmd",
        "distance of the spectra's histograms in that ring",
    )
    register(
        "bandwidth_99", _SPECTRA + "Bandwidth99", "radius that holds 99 % of the output's power"
    )
    register(
        "psd_db_mse_program",
        _SPECTRA + "PsdDbMseOfProgram",
        "psd_db_mse as in the published program",
    )
    register(
        "psd_db_strip_mse_program",
        _SPECTRA + "PsdDbStripMseOfProgram",
        "psd_db_strip_mse as in the published program",
    )
    register(
        "psd_strip_hist_emd_program",
        _SPECTRA + "PsdStripHistEmdOfProgram",
        "psd_strip_hist_emd as in the published program",
    )
    register("parameters", "nasir.proxies.cost:Parameters", "number of parameters")
    register("multiply_adds", "nasir.proxies.cost:MultiplyAdds", "multiply-adds of 64 x 64 pixels")
    register(
        "synflow", "nasir.proxies.synflow:SynFlow", "synaptic flow of absolute weights (SynFlow)"
    )
    register("snip", "nasir.proxies.saliency:Snip", "sensitivity of the loss to weights (SNIP)")
    register("grad_norm", "nasir.proxies.saliency:GradNorm", "norms of the loss's gradient")
    register(
        "naswot", "nasir.proxies.naswot:NasWot", "how unlike inputs activate the units (NASWOT)"
    )
    register("zen", "nasir.proxies.zen:Zen", "Gaussian complexity of the network (Zen-score)")
    register("zico", "nasir.proxies.zico:ZiCo", "how alike gradients of inputs are (ZiCo)")
