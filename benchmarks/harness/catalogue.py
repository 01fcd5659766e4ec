"""Which measurements there are: the modules of `benchmarks` that have a `measure`."""

import ast
import pkgutil
from pathlib import Path

import benchmarks


def measurements() -> list[str]:
    """Return their names, in the order in which they run."""
    return sorted(one.name for one in pkgutil.iter_modules(benchmarks.__path__) if not one.ispkg and one.name[0] != "_")


def summary_of(name: str) -> str:
    """Return the first line of a measurement's docstring, read without importing what it measures."""
    source = (Path(benchmarks.__path__[0]) / f"{name}.py").read_text(encoding="utf-8")
    said = ast.get_docstring(ast.parse(source)) or ""
    return said.partition("\n\n")[0].replace("\n", " ")
