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
        "rl",
        "nasir.strategies.rl.strategy:ReinforcementLearning",
        "a recurrent controller trained by policy gradient (NAS-DIP, AutoGAN)",
    )
    register(
        "isnas",
        "nasir.strategies.isnas:IsnasDip",
        "untrained networks scored by a proxy, the best few fitted (ISNAS-DIP)",
    )
    register(
        "darts",
        "nasir.strategies.darts.strategy:Darts",
        "a supernet's weights and architecture, descended in turn (DARTS, HiNAS, CLEARER)",
    )
