"""Every hook, when it is called, and with which arguments.

A ``register_...`` hook is called once, at the first use of any registry, with a function
``register(name, target, summary)``: `target` is a class or, better, its import string
``"module:Class"``, so that nothing is imported before it is used; `summary` is one line for
``nasir list``. The optional ``default_for`` lists the uses (``search``, ``evaluate``, ``train``,
``restore``, ``score``) in which the component is taken where the user names none.

The others are called while a search runs, in the process that holds the run.
What a hook returns is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    from nasir.core.trial import Trial
    from nasir.runs.run import Run

hookspec = pluggy.HookspecMarker("nasir")


class Register(Protocol):
    """What a ``register_...`` hook is called with."""

    def __call__(
        self, name: str, target: Any, summary: str = "", default_for: Sequence[str] = ()
    ) -> None: ...


@hookspec
def register_search_spaces(register: Register) -> None:
    """Name attrs subclasses of :class:`nasir.core.search_space.SearchSpace`."""


@hookspec
def register_strategies(register: Register) -> None:
    """Name attrs subclasses of :class:`nasir.core.strategy.Strategy`."""


@hookspec
def register_tasks(register: Register) -> None:
    """Name attrs subclasses of :class:`nasir.core.task.Task`."""


@hookspec
def register_degradations(register: Register) -> None:
    """Name frozen attrs subclasses of :mod:`nasir.core.degradation`'s ForwardOperator or Noise."""


@hookspec
def register_evaluators(register: Register) -> None:
    """Name attrs subclasses of :class:`nasir.core.evaluator.Evaluator`."""


@hookspec
def register_executors(register: Register) -> None:
    """Name attrs subclasses of :class:`nasir.core.executor.ExecutorFactory`."""


@hookspec
def register_operations(register: Register) -> None:
    """Name what a decision may choose, as ``decision.option``, such as ``upsample.nearest``.

    The space that has the decision defines what the class must be; for the upsampling cell see
    :mod:`nasir.search_spaces.nasdip.operations`.
    """


@hookspec
def register_proxies(register: Register) -> None:
    """Name attrs subclasses of :class:`nasir.core.proxy.Proxy`: scores of untrained networks."""


@hookspec
def register_methods(register: Register) -> None:
    """Name attrs subclasses of :class:`nasir.core.method.Method`: restoration without a network."""


@hookspec
def register_networks(register: Register) -> None:
    """Name files of trained networks: ``register(name, path)``, for ``nasir restore network=NAME``.

    `path` is the whole path of a ``.safetensors`` file that ``nasir export`` has written
    (:mod:`nasir.networks.network`). Without a summary, ``nasir list`` prints what the file says.
    """


@hookspec
def register_recipes(register: Register) -> None:
    """Name settings files: ``register(name, path)``, for ``nasir run NAME``.

    `path` is the whole path of a TOML file. Without a summary, ``nasir list`` prints the first
    sentence of the comment that the file begins with.
    """


@hookspec
def register_run_settings(register: Register) -> None:
    """Add settings to every run: ``register(name, setting(default, meaning, type=bool))``.

    See :func:`nasir.core.component.setting`. A run has the value as ``run.settings[name]``, unless
    it is the default; a run with another value is resumed only where the plugin is there.
    """


@hookspec
def register_commands(cli: Register) -> None:
    """Name subclasses of :class:`nasir.cli.command.Command`: ``nasir NAME``."""


@hookspec
def run_started(run: Run) -> None:
    """A run begins or is resumed."""


@hookspec
def trial_started(run: Run, trial: Trial) -> None:
    """A proposal is handed to an executor; `trial` has its number, proposal and seed."""


@hookspec
def trial_finished(run: Run, trial: Trial) -> None:
    """A trial has ended, complete or failed, and is stored."""


@hookspec
def final_started(run: Run, name: str, split: str, trial: Trial) -> None:
    """After the search: the architecture `name` (``found`` or a reference) is evaluated.

    `split` is ``search``, where the step to stop at is found, or ``test``.
    """


@hookspec
def final_finished(run: Run, name: str, split: str, trial: Trial) -> None:
    """The final evaluation of the architecture `name` has ended and is stored."""


@hookspec
def run_finished(run: Run) -> None:
    """A run has finished or was interrupted; see ``run.state``."""
