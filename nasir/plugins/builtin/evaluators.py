"""The evaluators that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_evaluators(register: Register) -> None:
    register(
        "dip",
        "nasir.fitting.dip:DeepImagePrior",
        "fit the untrained network to each picture alone (deep image prior)",
        default_for=("search", "evaluate", "restore"),
    )
    register(
        "proxy",
        "nasir.evaluators.proxy:ProxyEvaluator",
        "score the untrained network by proxies, without ground truth",
        default_for=("score",),
    )
    register(
        "train",
        "nasir.evaluators.train:Train",
        "train the network on patches and evaluate it on whole pictures",
        default_for=("train",),
    )
    register(
        "shared",
        "nasir.evaluators.shared:Shared",
        "evaluate a path of a trained supernet with its shared weights",
        default_for=("supernet",),
    )
    register(
        "cyclegan",
        "nasir.evaluators.cyclegan.evaluator:CycleGan",
        "train two generators of an unpaired translation (CycleGAN)",
    )
    register(
        "table",
        "nasir.evaluators.table:TableEvaluator",
        "look up an architecture in a tabular benchmark",
        default_for=("bench",),
    )
