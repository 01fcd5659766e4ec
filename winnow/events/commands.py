"""What a node may be told to do over MQTT, and what it says became of it."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from winnow.events.data import NO_LINE_END, Name
from winnow.events.errors import ContractError

MAX_COMMAND_BYTES: Final = 2048

CommandName = Literal["reload", "snapshot", "rollback"]
CommandId = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._-]+$" + NO_LINE_END)]


class Command(Struct, frozen=True, kw_only=True):
    """One order to one node.

    Attributes:
        command: `reload` reads the settings again, `snapshot` sends a redacted picture of a camera, `rollback` goes
            back to the model before.
        camera: whose snapshot.
        id: comes back with the answer, so that whoever asked knows it from others.
    """

    command: CommandName
    camera: Name | None = None
    id: CommandId | None = None


def encode_command(command: Command) -> bytes:
    """Return the command as JSON."""
    return msgspec.json.encode(command)


def decode_command(payload: bytes) -> Command:
    """Return the command that `payload` holds.

    Raises:
        ContractError: it holds none.
    """
    if len(payload) > MAX_COMMAND_BYTES:
        raise ContractError("size", f"command of {len(payload)} bytes; {MAX_COMMAND_BYTES} are allowed")
    try:
        return msgspec.json.decode(payload, type=Command)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as exc:
        raise ContractError("schema", f"not a command: {exc}") from exc
