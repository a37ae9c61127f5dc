"""``nasir completion``: lets a shell complete commands, settings, names, recipes and runs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from nasir.cli.command import Command
from nasir.core.registry import registries

BASH = """_nasir() {
    local line=${COMP_LINE:0:COMP_POINT} IFS=$' \\t\\n' words found
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local current=${words[-1]}
    local kept=${current%"${current##*=}"}
    mapfile -t found < <(nasir --complete "${words[@]:1}" 2>/dev/null)
    COMPREPLY=("${found[@]#"$kept"}")
    [[ ${COMPREPLY[*]} == *[=.] ]] && compopt -o nospace 2>/dev/null
}
complete -o default -F _nasir nasir"""

ZSH = """_nasir() {
    local -a found
    found=(${(f)"$(nasir --complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    (( $#found )) || { _files; return }
    compadd -Q -S '' -- ${(M)found:#*[=.]}
    compadd -Q -- ${found:#*[=.]}
}
compdef _nasir nasir"""

FISH = """complete -c nasir -a \
'(nasir --complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}

EPILOG = """bash: eval "$(nasir completion bash)" in ~/.bashrc; zsh: the same with zsh in ~/.zshrc,
after compinit; fish: nasir completion fish > ~/.config/fish/completions/nasir.fish"""


class CompletionCommand(Command):
    """Print what makes a shell complete the words of nasir."""

    def configure(self, parser: ArgumentParser) -> None:
        parser.add_argument("shell", choices=SCRIPTS, help="the shell")
        parser.epilog = EPILOG

    def run(self, arguments: Namespace) -> int:
        print(SCRIPTS[arguments.shell])
        return 0


def completions(line: Sequence[str]) -> list[str]:
    """What the last word of a command line may become, without the word ``nasir``."""
    from nasir.apps.completion import commands, words

    name, *before = line[:-1] or [""]
    current = line[-1] if line else ""
    if len(line) < 2:
        return commands(current)
    if name not in registries["command"]:
        return []
    parser = ArgumentParser(prog=f"nasir {name}")
    registries["command"].entry(name).load()().configure(parser)
    return words(name, parser, before, current)
