"""``nasir``: find the command and run it."""

from __future__ import annotations

import errno
import gc
import io
import logging
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import NoReturn

from nasir.core.errors import NasirError, SettingsError, unknown_name
from nasir.core.registry import registries
from nasir.engine.borrowed import stdout_for_the_result

USAGE = """usage: nasir [-p no:PLUGIN] COMMAND ...

Neural architecture search for image restoration.

    nasir run strategy=rl space=nasdip      search with all defaults, about three minutes
    nasir run --help                        what can be set

commands:
{commands}

options:
  -p no:PLUGIN   disable a plugin for this call
  --version      print the versions of nasir, torch and plugins, and the device
  -h, --help     print this
"""

YOUNG_OBJECTS = 10_000
"""New objects after which garbage is looked for: by default a tenth of the start goes into that."""

BAD_INPUT = 2
INTERRUPTED = 130


class _Parser(ArgumentParser):
    """Reports a mistake in one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; see: {self.prog} --help")


def main(argv: list[str] | None = None) -> int:
    """Run the command line `argv` and return its exit code."""
    if argv is None:
        _use_utf8()
        _keep_stdout()
    gc.set_threshold(YOUNG_OBJECTS)
    # passive waiting: with shared cores, spinning threads are ten times slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.basicConfig(format="nasir: %(message)s", level=logging.WARNING)
    if sys.stdout is None:  # it was closed
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # as stderr: file names may not be valid Unicode
    try:
        with stdout_for_the_result():
            code = _dispatch(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except NasirError as error:
        from nasir.cli.messages import print_cause_if_strict, print_error

        print_cause_if_strict(error)
        print_error(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        print("nasir: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _close_stdout()
        return 0
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        from nasir.cli.messages import print_error

        print_error(reason)
        return BAD_INPUT


def _reason(error: Exception) -> str | None:
    """What to say of an exception that is no defect of nasir; None: it is one."""
    if isinstance(error, OSError):
        if error.filename is None and error.errno in (errno.ENOSPC, errno.EBADF, errno.EIO):
            _close_stdout()
            return f"cannot write the result: {error.strerror}"
    elif isinstance(error, MemoryError | RuntimeError):
        from nasir.core.failures import failure_of

        if failure_of(error) == "memory":
            return "out of memory: take smaller pictures or a smaller space"
    from nasir.cli.messages import fault_of_plugin

    return fault_of_plugin(error)


def _use_utf8() -> None:
    """Begin anew where names of files can be ASCII alone, as settings are UTF-8 everywhere."""
    if sys.getfilesystemencoding() == "ascii" and os.environ.get("PYTHONUTF8") != "1":
        command = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONUTF8": "1"})


def _keep_stdout() -> None:
    """Keep stdout for the result: what libraries and other processes write to it goes to stderr."""
    if sys.stdout is None or sys.stderr is None or sys.stdout.fileno() != 1:
        return
    own = os.dup(1)
    os.dup2(2, 1)
    buffering, encoding = 1 if os.isatty(own) else -1, sys.stdout.encoding
    sys.stdout = sys.__stdout__ = open(own, "w", buffering, encoding)  # type: ignore[misc]  # noqa: SIM115


def _close_stdout() -> None:
    """Let what is still to be written go nowhere, also at the end of the process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(argv: list[str]) -> int:
    argv, disabled = _without_plugin_options(argv)
    _check_plugins(disabled)
    if not argv or argv[0] in ("-h", "--help"):
        print(_usage())
        return 0
    if argv[0] == "--version":
        print("\n".join(_versions()))
        return 0
    if argv[0] == "--complete":
        from nasir.cli.completion import completions

        print("\n".join(completions(argv[1:])))
        return 0
    name, *rest = argv
    entry = registries["command"].entry(name)
    command = entry.load()()
    parser = _Parser(prog=f"nasir {name}", description=entry.summary)
    command.configure(parser)
    try:
        return command.run(parser.parse_intermixed_args(rest))
    except NasirError as error:
        from nasir.cli.messages import as_options

        error.args = (as_options(str(error), parser),)
        raise


def _versions() -> Iterator[str]:
    """The versions of nasir, of what it computes with, and of the plugins; and the device."""
    import platform
    from importlib.metadata import version as installed

    from nasir import __version__
    from nasir.plugins.manager import plugins

    len(registries["command"])  # which loads the plugins
    torch = installed("torch")  # its import takes seconds
    yield f"nasir {__version__}"
    yield f"python {platform.python_version()}, torch {torch} ({_device(torch)})"
    others = [of for of in plugins().versions.values() if of["distribution"] != "nasir"]
    for distribution, version in sorted({(of["distribution"], of["version"]) for of in others}):
        yield f"plugin {distribution} {version}"


def _device(torch: str) -> str:
    """Whether this version of torch finds the driver of a GPU."""
    import ctypes

    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "cpu"
    return "cpu" if torch.endswith("+cpu") else "cuda"


def _check_plugins(names: list[str]) -> None:
    """Refuse to disable unknown plugins."""
    if not names:
        return
    from nasir.plugins.manager import plugins

    len(registries["command"])  # which loads the plugins
    for name in names:
        if name not in plugins().records:
            raise unknown_name("plugin", name, plugins().records)


def _without_plugin_options(argv: list[str]) -> tuple[list[str], list[str]]:
    """Disable every plugin of a ``-p no:NAME``; returns the other words and the names."""
    from nasir.plugins.switches import disable_once

    rest, names, words = [], [], iter(argv)
    for word in words:
        if word != "-p":
            rest.append(word)
            continue
        option = next(words, "")
        if not option.startswith("no:") or option == "no:":
            raise SettingsError(
                f"-p {option}: write -p no:PLUGIN; see the names with: nasir plugins"
            )
        names.append(option.removeprefix("no:"))
        disable_once(names[-1])
    return rest, names


def _usage() -> str:
    commands = registries["command"]
    lines = [f"  {name:<12} {commands[name].summary}" for name in commands]
    return USAGE.format(commands="\n".join(lines)).rstrip()


if __name__ == "__main__":
    sys.exit(main())
