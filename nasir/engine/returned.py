"""Checks of what components of plugins return, with messages for their authors."""

from __future__ import annotations

from numbers import Real
from typing import Any

from nasir.core.architecture import Architecture
from nasir.core.errors import NasirError, PluginError, kind_in_words
from nasir.core.evaluator import Evaluation, Problem
from nasir.core.import_strings import import_string
from nasir.core.strategy import Strategy
from nasir.core.trial import Proposal, Trial

LONGEST = 200
"""Characters of a value in a message."""


def checked_proposal(proposal: Any, strategy: Strategy, problem: Problem) -> Proposal:
    """What a strategy's ``ask`` returned; refuses anything that cannot be evaluated."""
    who = f"strategy {import_string(type(strategy))}: ask() returned"
    if not isinstance(proposal, Proposal):
        raise PluginError(
            f"{who} {kind_in_words(proposal)}; return Proposal(architecture), or None where there "
            "is none"
        )
    if not isinstance(proposal.architecture, Architecture):
        raise PluginError(
            f"{who} a Proposal of {kind_in_words(proposal.architecture)}; its architecture must be "
            "an Architecture, such as problem.space.domain.sample(generator) draws"
        )
    wrong = outside(proposal.architecture, problem)
    if wrong:
        raise PluginError(f"{who} {wrong}")
    if proposal.stage not in problem.evaluators:
        stages = ", ".join(problem.evaluators)
        raise PluginError(
            f"{who} a Proposal of the stage {proposal.stage!r:.40}; it has the stages {stages}: "
            "name others in stages()"
        )
    if not (isinstance(proposal.fidelity, Real) and 0 < proposal.fidelity <= 1):
        raise PluginError(f"{who} a fidelity of {proposal.fidelity!r:.40}; it must be in (0, 1]")
    return proposal


def checked_evaluation(evaluation: Any, evaluator: object, problem: Problem) -> Evaluation:
    """What an ``evaluate`` returned; refuses what is no evaluation of the problem."""
    who = f"evaluator {import_string(type(evaluator))}: evaluate() returned"
    if not isinstance(evaluation, Evaluation):
        raise PluginError(f"{who} {kind_in_words(evaluation)}; return Evaluation(score)")
    figures = {"a score": evaluation.score}
    figures |= {f"a metric {name!r:.40}": value for name, value in evaluation.metrics.items()}
    for name, value in figures.items():
        if not isinstance(value, Real):
            raise PluginError(f"{who} {name} that is {kind_in_words(value)}; it must be a number")
    wrong = evaluation.architecture and outside(evaluation.architecture, problem)
    if wrong:
        raise PluginError(f"{who} {wrong}")
    return evaluation


def checked_recommendation(trial: Any, strategy: Strategy) -> Trial:
    """What a strategy's ``recommend`` returned."""
    if not isinstance(trial, Trial):
        who = f"strategy {import_string(type(strategy))}: recommend() returned"
        raise PluginError(f"{who} {kind_in_words(trial)}; return one of the trials")
    return trial


def outside(architecture: Architecture, problem: Problem) -> str | None:
    """Why an architecture is none of the problem's space; None if it is one."""
    space = problem.space
    domain = space.domain
    if architecture in domain or architecture in space.reference().values():
        return None
    try:
        domain.architecture(architecture.choices)
        reason = f"it is of space {architecture.space!r:.40}, not {domain.space!r}"
    except (NasirError, LookupError, ValueError, TypeError) as error:
        reason = str(error)
    return f"an architecture outside the space: {reason:.{LONGEST}}"
