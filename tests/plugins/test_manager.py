from __future__ import annotations

import importlib
import logging
import sys
import uuid
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from nasir.core.errors import PluginError
from nasir.core.registry import Registries
from nasir.plugins import hookimpl, manager
from nasir.plugins.manager import BUILTIN, Plugins
from nasir.plugins.switches import disabled_plugins, set_disabled

Install = Callable[..., str]

STRATEGY = """
from nasir.plugins import hookimpl

@hookimpl
def register_strategies(register):
    register("{name}", "no_such_module:Strategy", "a strategy")
"""

BREAKS_IN_A_HOOK = """
from nasir.plugins import hookimpl

@hookimpl
def register_search_spaces(register):
    register("half", "somewhere:Half", "registered before the error")

@hookimpl
def register_tasks(register):
    register("half", "somewhere:Half", "registered before the error")
    raise {error}

@hookimpl
def trial_started(run, trial):
    raise AssertionError("a plugin that was left out is called")
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution with one plugin: the name of its entry point, and its source."""
    monkeypatch.syspath_prepend(tmp_path)

    def installed(name: str, source: str, distribution: str = "") -> str:
        distribution = distribution or f"nasir-{name}"
        module = f"plugin_{uuid.uuid4().hex}"
        (tmp_path / f"{module}.py").write_text(source)
        about = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n"
        )
        (about / "entry_points.txt").write_text(f"[nasir]\n{name} = {module}\n")
        importlib.invalidate_caches()
        return module

    return installed


def _filled(disabled: tuple[str, ...] = (), strict: bool = False) -> tuple[Plugins, Registries]:
    plugins, registries = Plugins(disabled, strict), Registries()
    plugins.fill(registries, "1.0")
    return plugins, registries


def test_the_plugins_that_come_with_nasir_load() -> None:
    plugins, registries = _filled(strict=True)
    for name in BUILTIN:
        record = plugins.records[f"nasir-{name}"]
        assert (record.status, record.distribution) == ("ok", "nasir")
        assert record.registers or record.name == "nasir-networks"  # as many as there are files
    assert {"nasdip"} <= set(registries["space"])
    assert {"random", "rl"} <= set(registries["strategy"])


def test_loading_plugins_imports_none_of_the_components(install: Install) -> None:
    install("lazy", STRATEGY.format(name="lazy"))
    plugins, registries = _filled()
    assert plugins.records["lazy"].status == "ok"
    assert registries["strategy"]["lazy"].summary == "a strategy"
    assert "no_such_module" not in sys.modules


def test_a_plugin_of_another_distribution_is_recorded_with_its_version(install: Install) -> None:
    install("good", STRATEGY.format(name="mine"), distribution="somebodys-plugin")
    plugins, registries = _filled()
    record = plugins.records["good"]
    assert (record.distribution, record.version) == ("somebodys-plugin", "1.2")
    assert record.registers == ["strategy mine"]
    assert registries["strategy"]["mine"].owner == "good"


def test_an_entry_point_of_another_class_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once somebody imports importlib_metadata, entry points are of its class."""
    module = ModuleType("foreign")
    exec(STRATEGY.format(name="mine"), module.__dict__)
    point = SimpleNamespace(name="foreign", dist=None, load=lambda: module)
    monkeypatch.setattr(manager, "_entry_points", lambda: [point])
    plugins, registries = _filled()
    assert plugins.records["foreign"].status == "ok"
    assert registries["strategy"]["mine"].owner == "foreign"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
        ("def (", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_reported_and_the_others_work(
    install: Install, caplog: pytest.LogCaptureFixture, source: str, reason: str
) -> None:
    install("broken", source)
    install("good", STRATEGY.format(name="good"))
    plugins, registries = _filled()
    assert plugins.records["broken"].status == "failed"
    assert "cannot be imported" in plugins.records["broken"].reason
    assert reason in plugins.records["broken"].reason
    assert "good" in registries["strategy"]
    [warning] = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert "'broken' of nasir-broken" in warning
    assert "nasir plugins" in warning


@pytest.mark.parametrize("error", ["ValueError('no')", "SystemExit(3)"])
def test_a_plugin_that_raises_in_a_hook_is_left_out_entirely(install: Install, error: str) -> None:
    install("broken", BREAKS_IN_A_HOOK.format(error=error))
    plugins, registries = _filled()
    record = plugins.records["broken"]
    assert (record.status, record.registers) == ("failed", [])
    assert error.partition("(")[0] in record.reason
    assert "half" not in registries["space"]
    assert "half" not in registries["task"]
    plugins.notify("trial_started", run=None, trial=None)


def test_a_misspelt_hook_is_reported_with_the_nearest_right_one(install: Install) -> None:
    install("typo", STRATEGY.format(name="typo").replace("register_str", "registr_str"))
    plugins, registries = _filled()
    assert plugins.records["typo"].status == "failed"
    assert "unknown hook 'registr_strategies'" in plugins.records["typo"].reason
    assert "did you mean 'register_strategies'?" in plugins.records["typo"].reason
    assert "typo" not in registries["strategy"]


def test_a_hook_with_an_unknown_argument_is_reported(install: Install) -> None:
    install("typo", STRATEGY.format(name="typo").replace("(register)", "(registry)"))
    plugins, registries = _filled()
    assert plugins.records["typo"].status == "failed"
    assert "registry" in plugins.records["typo"].reason
    assert "typo" not in registries["strategy"]


def test_a_name_taken_twice_is_refused_with_both_owners(install: Install) -> None:
    install("first", STRATEGY.format(name="mine"))
    install("second", STRATEGY.format(name="mine"))
    plugins, registries = _filled()
    assert registries["strategy"]["mine"].owner == "first"
    assert plugins.records["second"].status == "failed"
    for part in ("strategy 'mine'", "'first'", "'second'", "-p no:second"):
        assert part in plugins.records["second"].reason


def test_a_built_in_name_cannot_be_taken(install: Install) -> None:
    install("bold", STRATEGY.format(name="random"))
    plugins, registries = _filled()
    assert registries["strategy"]["random"].owner == "nasir-strategies"
    assert "nasir-strategies" in plugins.records["bold"].reason


def test_a_name_that_is_no_string_is_refused(install: Install) -> None:
    install("odd", STRATEGY.format(name="odd").replace('"odd"', "3"))
    plugins, registries = _filled()
    assert plugins.records["odd"].status == "failed"
    assert list(registries["strategy"])


@pytest.mark.parametrize("source", ["1 / 0", BREAKS_IN_A_HOOK.format(error="ValueError('no')")])
def test_in_strict_mode_a_broken_plugin_is_an_error(install: Install, source: str) -> None:
    install("broken", source)
    with pytest.raises(PluginError, match=r"'broken' of nasir-broken.*-p no:broken"):
        _filled(strict=True)


def test_in_strict_mode_the_error_is_the_same_at_every_use(install: Install) -> None:
    install("broken", "1 / 0")
    registries = Registries()
    plugins = Plugins(strict=True)
    registries.fill_from(lambda empty: plugins.fill(empty, "1.0"))
    for _ in range(2):
        with pytest.raises(PluginError, match="'broken' of nasir-broken"):
            registries["strategy"]


def test_a_disabled_plugin_is_not_even_imported(install: Install) -> None:
    module = install("broken", "1 / 0")
    plugins, _ = _filled(disabled=("broken",), strict=True)
    assert plugins.records["broken"].status == "disabled"
    assert module not in sys.modules


def test_a_built_in_plugin_can_be_disabled() -> None:
    plugins, registries = _filled(disabled=("nasir-nasdip",))
    assert plugins.records["nasir-nasdip"].status == "disabled"
    assert "nasdip" not in registries["space"]


@pytest.mark.parametrize("where", ["file", "environment"])
def test_plugins_are_disabled_in_a_file_or_the_environment(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    monkeypatch.setenv("NASIR_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("NASIR_DISABLE_PLUGINS", raising=False)
    install("mine", STRATEGY.format(name="mine"))
    if where == "file":
        set_disabled("mine", True)
    else:
        monkeypatch.setenv("NASIR_DISABLE_PLUGINS", "mine")
    plugins, registries = _filled(tuple(disabled_plugins()))
    assert plugins.records["mine"].status == "disabled"
    assert "mine" not in registries["strategy"]


@pytest.mark.parametrize("module", ["no_such_module:Strategy", "nasir:no_such_name", "exits:It"])
def test_a_wrong_import_string_names_its_plugin_when_it_is_used(
    install: Install, tmp_path: Path, module: str
) -> None:
    (tmp_path / "exits.py").write_text("raise SystemExit(1)")
    install("mine", STRATEGY.format(name="mine").replace("no_such_module:Strategy", module))
    plugins, registries = _filled()
    assert plugins.records["mine"].status == "ok"
    with pytest.raises(PluginError, match=r"'mine' registers 'mine' as .*-p no:mine"):
        registries["strategy"].load("mine")


def test_two_distributions_cannot_share_the_name_of_a_plugin(install: Install) -> None:
    install("twin", STRATEGY.format(name="one"), distribution="abel")
    install("twin", STRATEGY.format(name="other"), distribution="cain")
    plugins, registries = _filled()
    [refused] = [r for r in plugins.records.values() if r.status == "failed"]
    kept = plugins.records["twin"]
    assert {kept.distribution, refused.distribution} == {"abel", "cain"}
    assert refused.name == f"twin ({refused.distribution})"
    assert kept.distribution in refused.reason
    assert len({"one", "other"} & set(registries["strategy"])) == 1


def test_a_disabled_name_disables_every_plugin_of_that_name(install: Install) -> None:
    install("twin", "1 / 0", distribution="abel")
    install("twin", "1 / 0", distribution="cain")
    plugins, _ = _filled(disabled=("twin",), strict=True)
    twins = [r for r in plugins.records.values() if r.distribution in ("abel", "cain")]
    assert [record.status for record in twins] == ["disabled", "disabled"]


RECIPE = """
from pathlib import Path
from nasir.plugins import hookimpl

@hookimpl
def register_recipes(register):
    register("theirs", Path(__file__).with_name({file!r}), "a stranger's settings")
"""


def test_a_plugin_registers_a_recipe_by_its_path(install: Install, tmp_path: Path) -> None:
    (tmp_path / "theirs.toml").write_text("seed = 3")
    install("mine", RECIPE.format(file="theirs.toml"))
    _, registries = _filled(strict=True)
    assert registries["recipe"]["theirs"].target == tmp_path / "theirs.toml"


def test_a_recipe_that_is_no_file_is_refused(install: Install) -> None:
    install("mine", RECIPE.format(file="missing.toml"))
    with pytest.raises(PluginError, match="the recipe 'theirs' needs the path of a TOML file"):
        _filled(strict=True)


RUN_SETTING = """
from nasir.core.component import setting
from nasir.plugins import hookimpl

@hookimpl
def register_run_settings(register):
    register({name!r}, {field}, "a stranger's setting")
"""


@pytest.mark.parametrize(
    ("name", "field", "reason"),
    [
        ("seed", "setting(0, 'theirs', type=int)", "'seed' comes with nasir"),
        ("space", "setting(0, 'theirs', type=int)", "'space' comes with nasir"),
        ("mine", "setting(0, 'no type')", "needs a field with type and default"),
        ("mine", "int", "needs a field with type and default"),
        ("mi.ne", "setting(0, 'theirs', type=int)", "needs a field with type and default"),
    ],
)
def test_a_bad_run_setting_is_refused(install: Install, name: str, field: str, reason: str) -> None:
    install("mine", RUN_SETTING.format(name=name, field=field))
    with pytest.raises(PluginError, match=reason):
        _filled(strict=True)


class _Listener:
    def __init__(self, heard: list[str], name: str, error: BaseException | None = None) -> None:
        self.heard, self.name, self.error = heard, name, error

    @hookimpl
    def trial_finished(self, run: object, trial: object) -> None:
        self.heard.append(f"{self.name} {trial}")
        if self.error is not None:
            raise self.error


def test_hooks_are_called_in_the_order_of_loading() -> None:
    plugins, heard = Plugins(), []
    names = [f"listener-{i}" for i in range(20)]
    for name in names:
        plugins.add(name, _Listener(heard, name), Registries())
    plugins.notify("trial_finished", run=None, trial=7)
    assert heard == [f"{name} 7" for name in names]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)])
def test_a_plugin_that_raises_during_a_run_is_reported_once_and_left_out(
    caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    plugins, heard = Plugins(), []
    plugins.add("broken", _Listener(heard, "broken", error), Registries())
    plugins.add("good", _Listener(heard, "good"), Registries())
    for trial in (0, 1):
        plugins.notify("trial_finished", run=None, trial=trial)
    assert sorted(heard) == ["broken 0", "good 0", "good 1"]
    assert plugins.records["broken"].status == "failed"
    [warning] = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert "'broken'" in warning
    assert "trial_finished raised" in warning


def test_in_strict_mode_a_plugin_that_raises_during_a_run_is_an_error() -> None:
    plugins = Plugins(strict=True)
    plugins.add("broken", _Listener([], "broken", ValueError("no")), Registries())
    with pytest.raises(PluginError, match=r"'broken'.*trial_finished raised ValueError: no"):
        plugins.notify("trial_finished", run=None, trial=0)


def test_an_interrupted_hook_interrupts() -> None:
    plugins = Plugins()
    plugins.add("slow", _Listener([], "slow", KeyboardInterrupt()), Registries())
    with pytest.raises(KeyboardInterrupt):
        plugins.notify("trial_finished", run=None, trial=0)


def test_metadata_are_read_only_where_a_plugin_may_be_registered(tmp_path, monkeypatch):
    """importlib.metadata is slow to import. A zip file or another finder may have some."""
    about = tmp_path / "some-1.0.dist-info"
    about.mkdir()
    (about / "entry_points.txt").write_text("[console_scripts]\nnasir = nasir:main\n")
    zipped = tmp_path / "some.zip"
    zipped.write_bytes(b"")
    monkeypatch.setattr(sys, "meta_path", [PathFinder])

    def found(*places: Path) -> bool:
        monkeypatch.setattr(sys, "path", list(map(str, places)))
        return manager._may_be_registered()

    assert not found(tmp_path, tmp_path / "missing")
    assert found(zipped)
    (about / "entry_points.txt").write_text("[console_scripts]\n[nasir]\nmine = mine\n")
    assert found(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [SimpleNamespace(find_distributions=None)])
    assert found()
