"""A nasir plugin: names what it adds, and imports none of it before it is used."""

from nasir import hookimpl


@hookimpl
def register_search_spaces(register):
    register("plain", "nasir_example.space:Plain", "a stack of convolutions")


@hookimpl
def register_strategies(register):
    register("hill", "nasir_example.strategy:HillClimbing", "from the best to a neighbour")


@hookimpl
def register_degradations(register):
    register("speckle", "nasir_example.speckle:Speckle", "noise in proportion to brightness")
    register("ghost", "nasir_example.ghost:Ghost", "a second image, as of a window pane")


@hookimpl
def register_tasks(register):
    register("despeckle", "nasir_example.task:Despeckle", "remove speckle")


@hookimpl
def register_evaluators(register):
    register("fading", "nasir_example.fitting:FadingNoise", "fit to a picture by fading noise")


@hookimpl
def register_proxies(register):
    register("contrast", "nasir_example.proxy:Contrast", "deviation of an untrained output")


@hookimpl
def register_operations(register):
    register("upsample.carafe", "nasir_example.carafe:Carafe", "content-aware reassembly")
