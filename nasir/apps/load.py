"""``nasir.load``: a network with its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nasir.core.errors import SettingsError
from nasir.core.registry import registries
from nasir.core.trial import FULL
from nasir.runs.architecture_file import described_in
from nasir.runs.folder import DESCRIPTION, is_folder, located
from nasir.runs.run import Run, is_run
from nasir.settings.experiment import experiment

if TYPE_CHECKING:
    from torch import nn

    from nasir.apps.train.training import Training


def load(source: Run | Training | str | Path, picture: str | None = None) -> nn.Module:
    """A network with its weights, in evaluation mode: ``(N, C, H, W) -> (N, C', sH, sW)``.

    `source` is a run, whose best architecture it is, with the weights that its final evaluation
    left in ``best/``; a training; the folder of either; a network by name; or the file that
    ``nasir export`` wrote. The network of a trained evaluator takes a degraded picture in [0, 1].
    That of a fit, such as ``evaluator=dip``, is of one test picture and takes the noise that it was
    fitted with; where there were several, `picture` names one. Raises
    :class:`~nasir.core.errors.NasirError` where there are no weights, or others.
    """
    from nasir.apps.train.training import Training
    from nasir.networks.network import find_network

    if isinstance(source, Training):
        return source.network()
    if not isinstance(source, Run):
        path = located(Path(source).expanduser(), is_run)
        if str(source) in registries["network"] or not is_folder(path):
            return find_network(source).load()
        if (path / DESCRIPTION).is_file():
            return Training(path).network()
        source = Run(path)
    return _best_of(source, picture)


def _best_of(run: Run, picture: str | None) -> nn.Module:
    from nasir.training.weights import NAME, load_weights, parts_of_weights

    best = run.place / "best"
    if not (best / NAME).is_file():
        raise SettingsError(
            f"{run.folder} has no weights in best/: they are written when the run is finished, by "
            "evaluators that restore"
        )
    architecture, space = described_in(best / DESCRIPTION)
    problem = experiment(run.whole_settings).problem
    signature = problem.evaluator(FULL).signature(problem)
    pictures = parts_of_weights(best / NAME)
    if not pictures:
        network = space.build(architecture, signature)
        load_weights(network, best / NAME)
        return network.eval()
    if picture is None and len(pictures) == 1:
        (picture,) = pictures
    if picture not in pictures:
        names = ", ".join(pictures[:5]) + (", ..." if len(pictures) > 5 else "")
        raise SettingsError(
            f"{run.folder} has a network for each picture; picture= is one of: {names}"
        )
    network = problem.task.assemble(lambda of: space.build(architecture, of), signature)
    load_weights(network, best / NAME, f"{picture}/")
    return network.eval()
