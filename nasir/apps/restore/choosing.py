"""Which trained network restores a picture: by its task, its degradations and its channels."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from nasir.core.degradation import Degradation
from nasir.core.errors import NasirError, SettingsError
from nasir.core.registry import registries
from nasir.core.search_space import Signature
from nasir.core.task import Task
from nasir.networks.network import TrainedNetwork, in_words, read_network
from nasir.settings.building import name_of
from nasir.tasks.degradation_task import DegradationTask
from nasir.tasks.degradations.gaussian import Gaussian
from nasir.tasks.physics.stabilising import Anscombe

log = logging.getLogger("nasir")

GREY, COLOUR = 1, 3

ALSO_FOR = {"poisson": "gaussian"}
"""Noises that networks for another noise take as well."""


def network_for(task: Task, sigma: float | None = None) -> TrainedNetwork | None:
    """The registered network that fits a task on given pictures best; None: there is none.

    One that was trained for pictures of as many channels comes before one for colour that takes
    grey pictures, and then one that was trained for the noise level `sigma`, of 255.
    """
    fitting = [network for network in _readable(task) if suits(network, task)]

    def preference(network: TrainedNetwork) -> tuple[bool, bool]:
        other_channels = network.signature.in_channels != task.signature.in_channels
        return other_channels, sigma is not None and not covers(network, sigma)

    return min(fitting, key=preference, default=None)


def suits(network: TrainedNetwork, task: Task) -> bool:
    """Whether a network restores what a task degrades."""
    if not _is_for(network, task):
        return False
    return suits_exactly(network, task) or kinds(network.make_task(), also=False) == kinds(task)


def _is_for(network: TrainedNetwork, task: Task) -> bool:
    """Whether it is for a task of this name, and for its pictures."""
    return network.task["name"] == name_of(task) and takes(network.signature, task.signature)


def takes(network: Signature, pictures: Signature) -> bool:
    """Whether a network takes pictures: of its channels, or grey ones where it is for colour."""
    if network.scale != pictures.scale or network.in_channels != network.out_channels:
        return False
    wanted = pictures.in_channels
    return wanted == network.in_channels or (wanted, network.in_channels) == (GREY, COLOUR)


def covers(network: TrainedNetwork, sigma: float) -> bool:
    """Whether a network was trained for Gaussian noise of `sigma` of 255."""
    levels = [level for part in _parts(network.make_task()) for level in _levels(part)]
    return not levels or min(levels) <= sigma <= max(levels)


def check_suits(network: TrainedNetwork, name: str, task: Task) -> None:
    """Refuse a network for another task, scale or number of channels than the pictures'."""
    trained = network.task["name"]
    if trained != name_of(task):
        raise SettingsError(
            f"network {name} restores task={trained}, not task={name_of(task)}: leave one of them "
            "out"
        )
    if not takes(network.signature, task.signature):
        raise SettingsError(
            f"network {name} is for {in_words(network.signature)}, here are "
            f"{in_words(task.signature)}: take another (nasir list networks)"
        )


def kinds(task: Task, also: bool = True) -> frozenset[str]:
    """The names of a task's degradations; with `also`, of those that networks take for them."""
    names = [name_of(part) for part in _parts(task)]
    return frozenset(ALSO_FOR.get(name, name) if also else name for name in names)


def stabilisation(network: TrainedNetwork, task: Task) -> Anscombe | None:
    """What makes the noise of a task such that a network takes it; None: nothing is needed.

    Photon noise is made white where the network was trained for white noise.
    """
    if not isinstance(task, DegradationTask) or suits_exactly(network, task):
        return None
    variance = task.degrading().variance()
    if variance is None or variance[0] == 0:
        return None
    levels = [level for part in _parts(network.make_task()) for level in _levels(part)]
    return Anscombe(*variance, max(levels) / 255)


def suits_exactly(network: TrainedNetwork, task: Task) -> bool:
    """Whether a network was trained for what degrades a task's pictures, not for its like."""
    return kinds(network.make_task(), also=False) == kinds(task, also=False)


def _parts(task: Task) -> tuple[Degradation, ...]:
    return task.degrading().parts if isinstance(task, DegradationTask) else ()


def _levels(part: Degradation) -> tuple[float, ...]:
    """The levels of Gaussian noise that a degradation trains for."""
    return (part.sigmas or (part.sigma,)) if isinstance(part, Gaussian) else ()


def _readable(task: Task) -> Iterator[TrainedNetwork]:
    """The registered networks for a task; one that is damaged is reported and left out."""
    for name, entry in registries["network"].items():
        try:
            network = read_network(entry.target)
            if not _is_for(network, task):
                continue
            network.make_task()
        except NasirError as error:
            log.warning("network %s is left out: %s", name, error)
            continue
        yield network
