"""Names of nodes and cameras, and the CloudEvents `source` they make."""

import re
from functools import lru_cache
from typing import Final

from winnow.events.errors import ContractError

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,39}$"
"""Nodes and cameras: safe as a topic level, a file name, a certificate's common name and a label."""

_NAME: Final = re.compile(NAME_PATTERN)
_SOURCE: Final = re.compile(r"/nodes/([a-z0-9][a-z0-9-]{0,39})(?:/cameras/([a-z0-9][a-z0-9-]{0,39}))?")


def check_name(name: str) -> str:
    """Return `name` if it may name a node or a camera.

    Raises:
        ContractError: it may not.
    """
    if not _NAME.fullmatch(name):
        raise ContractError("topic", f"{name[:60]!r} is no name: use 1 to 40 of a-z, 0-9 and -, not starting with -")
    return name


def source_of(node: str, camera: str | None) -> str:
    """Return the `source` of a camera's events, or of the node's own if `camera` is None."""
    return f"/nodes/{node}" if camera is None else f"/nodes/{node}/cameras/{camera}"


@lru_cache(maxsize=8192)
def parse_source(source: str) -> tuple[str, str | None]:
    """Return node and camera (None for the node itself).

    Raises:
        ContractError: `source` is neither a node's nor a camera's.
    """
    match = _SOURCE.fullmatch(source)
    if match is None:
        raise ContractError("schema", f"source {source[:120]!r} is not /nodes/NODE or /nodes/NODE/cameras/CAMERA")
    return match[1], match[2]
