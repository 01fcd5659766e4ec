"""Winnow: streaming edge video analytics that keeps the grain and drops the chaff."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("winnow")
except PackageNotFoundError:
    __version__ = "0+unknown"

__all__ = ["__version__"]
