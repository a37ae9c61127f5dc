"""A nasir plugin: names what it adds, and imports none of it before it is used."""

import logging

from nasir import hookimpl


@hookimpl
def register_search_spaces(register):
    register("plain", "nasir_example.space:Plain", "a stack of convolutions")


@hookimpl
def register_strategies(register):
    register("hill", "nasir_example.strategy:HillClimbing", "from the best to a neighbour")


@hookimpl
def register_tasks(register):
    register("despeckle", "nasir_example.task:Despeckle", "remove multiplicative noise")


@hookimpl
def register_operations(register):
    register("upsample.carafe", "nasir_example.carafe:Carafe", "content-aware reassembly")


@hookimpl
def trial_finished(run, trial):
    if trial.state == "complete" and trial.number == run.best.number:
        logging.getLogger(__name__).info("best so far: %.2f, %s", trial.score, trial.architecture)
