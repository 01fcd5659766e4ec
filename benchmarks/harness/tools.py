"""Competitors: where they are, or how to install them. None is a dependency of Winnow."""

import shutil
from pathlib import Path
from typing import Final

from benchmarks.harness.cost import ROOT

TOOLS_PYTHON: Final = ROOT / ".venv-bench" / "bin" / "python"
"""The environment of `make bench-tools`: apart from Winnow's, where two OpenCV packages would share a folder."""


class ToolMissingError(Exception):
    """A competitor is not installed; the message says how to install it."""


def program(name: str) -> str:
    """Return the path of a program from Debian's package of the same name.

    Raises:
        ToolMissingError: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise ToolMissingError(f"{name} is not installed; compare with it after `apt-get install {name}`")
    return found


def tools_python() -> str:
    """Return the Python that has the packages of `benchmarks/requirements.txt`.

    Raises:
        ToolMissingError: they are not installed.
    """
    if not TOOLS_PYTHON.exists():
        raise ToolMissingError("the Python competitors are not installed; compare with them after `make bench-tools`")
    return str(TOOLS_PYTHON)


def site_packages() -> Path:
    """Return the folder of those packages, for measurements that import one of them.

    Raises:
        ToolMissingError: they are not installed.
    """
    found = sorted(Path(tools_python()).parent.parent.glob("lib/python3*/site-packages"))
    if not found:
        raise ToolMissingError("`.venv-bench` is not whole; remove it and call `make bench-tools` again")
    return found[0]
