"""The strategies that come with nasir."""

from nasir.plugins import hookimpl
from nasir.plugins.hookspecs import Register


@hookimpl
def register_strategies(register: Register) -> None:
    register(
        "random",
        "nasir.strategies.random:RandomSearch",
        "architectures drawn uniformly",
    )
    register(
        "exhaustive",
        "nasir.strategies.exhaustive:Exhaustive",
        "every architecture of a small space, once",
    )
    register(
        "rl",
        "nasir.strategies.rl.strategy:ReinforcementLearning",
        "a recurrent controller trained by policy gradient (NAS-DIP, AutoGAN)",
        default_for=("search",),
    )
    register(
        "evolution",
        "nasir.strategies.evolution.strategy:Evolution",
        "regularised evolution; NSGA-II for several objectives",
    )
    register(
        "local_search",
        "nasir.strategies.local_search:LocalSearch",
        "from neighbour to better neighbour, with restarts",
    )
    register(
        "halving",
        "nasir.strategies.halving.halving:SuccessiveHalving",
        "many architectures at low fidelity, the best of each rung continue",
    )
    register(
        "hyperband",
        "nasir.strategies.halving.hyperband:Hyperband",
        "successive halving in brackets, from many cheap trials to few full ones",
    )
    register(
        "bananas",
        "nasir.strategies.bananas.strategy:Bananas",
        "Bayesian optimisation with an ensemble of neural predictors",
    )
    register(
        "nevergrad",
        "nasir.strategies.nevergrad.strategy:Nevergrad",
        "any optimiser of nevergrad by name",
    )
    register(
        "isnas",
        "nasir.strategies.isnas:IsnasDip",
        "untrained networks scored by a proxy, the best few fitted (ISNAS-DIP)",
        default_for=("restore",),
    )
    register(
        "darts",
        "nasir.strategies.darts.strategy:Darts",
        "a supernet's weights and architecture, descended in turn (DARTS, HiNAS, CLEARER)",
    )
    register(
        "rsws",
        "nasir.strategies.one_shot.rsws:RandomWeightSharing",
        "random paths, evaluated by a supernet trained on random paths",
    )
    register(
        "spos",
        "nasir.strategies.one_shot.spos:SinglePathOneShot",
        "a supernet trained by uniform paths, then evolution of paths (single path one-shot)",
    )
    register(
        "enas",
        "nasir.strategies.one_shot.enas:Enas",
        "a controller over a supernet, its weights and the controller trained in turn",
    )
    register(
        "zero_cost",
        "nasir.strategies.zero_cost:ZeroCost",
        "many untrained networks ranked by proxies, the best few evaluated",
    )
    register(
        "chain",
        "nasir.strategies.combining.chain:Chain",
        "one strategy after another, each inheriting all trials so far (also written a+b)",
        default_for=("join",),
    )
    register(
        "screen",
        "nasir.strategies.combining.screen:Screen",
        "another strategy's candidates scored by proxies, the best of each few evaluated",
    )
    register(
        "portfolio",
        "nasir.strategies.combining.portfolio:Portfolio",
        "several strategies on one budget, more of it for those that gain more",
    )
