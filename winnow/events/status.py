"""Retained state of nodes and cameras."""

from typing import Final, Literal

import msgspec
from msgspec import Struct

from winnow.events.data import Label, Moment, Reason
from winnow.events.errors import ContractError

MAX_STATUS_BYTES: Final = 2048


class NodeStatus(Struct, frozen=True, kw_only=True):
    """State of a node; `offline` is its last will."""

    state: Literal["online", "stopped", "offline"]
    since: Moment
    version: Label


class CameraStatus(Struct, frozen=True, kw_only=True):
    """State of a camera."""

    state: Literal["online", "offline", "degraded"]
    since: Moment
    reason: Reason | None = None


Status = NodeStatus | CameraStatus


def encode_status(status: Status) -> bytes:
    """Return the status as JSON."""
    return msgspec.json.encode(status)


def decode_status(payload: bytes, camera: str | None) -> Status:
    """Return the camera's status, or the node's if `camera` is None.

    Raises:
        ContractError: not a status.
    """
    if len(payload) > MAX_STATUS_BYTES:
        raise ContractError("size", f"status of {len(payload)} bytes; {MAX_STATUS_BYTES} are allowed")
    try:
        if camera is None:
            return msgspec.json.decode(payload, type=NodeStatus)
        return msgspec.json.decode(payload, type=CameraStatus)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as exc:
        raise ContractError("schema", f"not a status: {exc}") from exc
