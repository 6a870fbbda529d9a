"""Which modules of the project a file imports, by reading it."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent


@cache
def imported(path: Path) -> set[Path]:
    """Return the project's files that a file imports, anywhere in it.

    With a module come the packages that it is in, but for those that the file itself is in.
    """
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            base = ROOT / Path(*name.split("."))
            inside = {base.with_suffix(".py"), base / "__init__.py"}
            around = {one / "__init__.py" for one in base.parents if ROOT in one.parents}
            around -= {one / "__init__.py" for one in path.parents}
            found |= {f for f in inside | around if f.is_file()}
    return found


def closure(path: Path) -> set[Path]:
    """Return a file and all that it imports, directly or not, as paths from the root.

    `__init__` files that hold nothing but a docstring take no part.
    """
    seen, todo = set(), [path]
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo += imported(one)
    return {one.relative_to(ROOT) for one in seen if not says_nothing(one)}


@cache
def says_nothing(path: Path) -> bool:
    """Return whether a file holds nothing but text."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return all(isinstance(node, ast.Expr) for node in body)
