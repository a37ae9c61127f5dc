"""Mutants of a module: its source with one small change each."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

import attrs

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
NAMES = {"min": "max", "max": "min", "all": "any", "any": "all", "sum": "mean", "mean": "sum"}
NAMES |= {"sin": "cos", "cos": "sin", "floor": "ceil", "ceil": "floor", "argmax": "argmin"}
"""Functions and the ones in their place."""

COMMUTATIVE = {"min", "max", "minimum", "maximum", "equal"}
"""Functions whose first two arguments may be exchanged."""

NO_FORMULA = {
    "setting",
    "setting_again",
    "report",
    "NasirError",
    "SettingsError",
    "isinstance",
    "TypeVar",
}
"""Calls whose arguments are left alone: texts, validators, and defaults, which recipes set."""


@attrs.frozen
class Mutant:
    """A module's `source` with a change in a function, by its qualified name, or in none ("")."""

    id: str
    file: str
    function: str
    change: str
    source: str = attrs.field(repr=False)

    @classmethod
    def by_text(cls, root: Path, file: str, old: str, new: str) -> Mutant:
        """With a text in place of another that occurs once."""
        source = (root / file).read_text()
        if source.count(old) != 1:
            raise ValueError(f"{file} has {old!r} {source.count(old)} times: it must be once")
        line = source[: source.index(old)].count("\n") + 1
        function = _functions(ast.parse(source)).get(line, "")
        change = f"{old} -> {new}"
        return cls(f"{file}:{line} {change}", file, function, change, source.replace(old, new))


def sites(root: Path, path: Path) -> list[tuple[str, int, int]]:
    """Where a module can be changed: its name, the number of the node, the kind of change."""
    found = enumerate(_formulas(ast.parse(path.read_text())))
    name = str(path.relative_to(root))
    return [(name, number, kind) for number, node in found for kind in range(_kinds(node))]


def mutant_at(root: Path, file: str, number: int, kind: int) -> Mutant:
    """The module with the change of one of its sites."""
    tree = ast.parse((root / file).read_text())
    functions = _functions(tree)
    changed = next(node for i, node in enumerate(_formulas(tree)) if i == number)
    line = changed.lineno  # type: ignore[attr-defined]
    before = ast.unparse(changed)
    _mutate(changed, kind)
    change = f"{before} -> {ast.unparse(changed)}"
    digest = hashlib.sha256(f"{number} {kind} {before}".encode()).hexdigest()[:6]
    id = f"{file}:{line} {digest}"
    return Mutant(id, file, functions.get(line, ""), change, ast.unparse(tree))


def _functions(tree: ast.AST, within: str = "") -> dict[int, str]:
    """For each line, the innermost function around it, as its code object is named."""
    found: dict[int, str] = {}
    for node in ast.iter_child_nodes(tree):
        inner = within
        if isinstance(node, ast.FunctionDef):
            found |= dict.fromkeys(_lines(node), f"{within}{node.name}")
            inner = f"{within}{node.name}.<locals>."
        elif isinstance(node, ast.ClassDef):
            inner = f"{within}{node.name}."
        found |= _functions(node, inner)
    return found


def _lines(node: ast.stmt) -> range:
    return range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)  # type: ignore[attr-defined]


def _formulas(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that may be changed, without annotations, texts, refusals and settings."""
    if isinstance(node, ast.Raise | ast.Assert | ast.Import | ast.ImportFrom | ast.JoinedStr):
        return
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    if isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise):
        return
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in NO_FORMULA:
        return
    if _kinds(node):
        yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _formulas(child)


def _kinds(node: ast.AST) -> int:
    """How many changes a node allows."""
    if isinstance(node, ast.BinOp):
        return int(type(node.op) in OPERATORS)
    if isinstance(node, ast.Compare):
        return int(len(node.ops) == 1)
    if isinstance(node, ast.Constant):
        return int(isinstance(node.value, bool | int | float))
    if isinstance(node, ast.BoolOp):
        return 1
    if isinstance(node, ast.UnaryOp):
        return int(isinstance(node.op, ast.USub | ast.Not))
    if isinstance(node, ast.Call):
        return int(_exchangeable(node)) + int(_called(node) in NAMES)
    return 0


def _exchangeable(call: ast.Call) -> bool:
    """Whether a call with its first two arguments exchanged is another one."""
    first = call.args[:2]
    if len(first) < 2 or any(isinstance(one, ast.Starred) for one in first):
        return False
    return _called(call) not in COMMUTATIVE and ast.dump(first[0]) != ast.dump(first[1])


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _mutate(node: ast.AST, kind: int) -> None:
    if isinstance(node, ast.BinOp):
        node.op = OPERATORS[type(node.op)]()
    elif isinstance(node, ast.Compare):
        node.ops = [COMPARISONS[type(node.ops[0])]()]
    elif isinstance(node, ast.Constant):
        value = node.value
        node.value = not value if isinstance(value, bool) else _other(value)  # type: ignore[arg-type]
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd() if isinstance(node.op, ast.USub) else ast.Not()
        if isinstance(node.op, ast.Not):
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Call):
        if kind == 0 and _exchangeable(node):
            node.args[0], node.args[1] = node.args[1], node.args[0]
        elif isinstance(node.func, ast.Attribute):
            node.func.attr = NAMES[node.func.attr]
        elif isinstance(node.func, ast.Name):
            node.func.id = NAMES[node.func.id]


def _other(value: int | float) -> int | float:
    """The next number of a whole one and of 0.0; three times any other."""
    return value + 1 if isinstance(value, int) or not value else 3 * value
