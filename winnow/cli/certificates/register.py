"""What the authority has issued and revoked: one JSON file, replaced as a whole."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from winnow.cli.certificates.errors import PkiError
from winnow.cli.certificates.files import SECRET, read_file, write_file


class Role(StrEnum):
    """What the holder of a certificate does."""

    NODE = "node"
    GATEWAY = "gateway"
    OPERATOR = "operator"
    SINK = "sink"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One certificate.

    Attributes:
        name: the common name; for MQTT the user name.
        role: what it may be used for.
        serial: in hexadecimal.
        hosts: DNS names and addresses of a server.
        not_before: valid from, UTC.
        not_after: valid until, UTC.
        revoked_at: when it was withdrawn; None if it was not.
    """

    name: str
    role: Role
    serial: str
    hosts: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> str:
        """Return `valid`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if now < self.not_after else "expired"


def read_register(path: Path) -> list[Entry]:
    """Return every certificate that was issued, oldest first.

    Raises:
        PkiError: the file cannot be read or is damaged.
    """
    try:
        return msgspec.json.decode(read_file(path), type=list[Entry])
    except msgspec.MsgspecError as exc:
        raise PkiError(f"{path}: damaged ({exc}); restore it from a backup of the folder") from exc


def write_register(path: Path, entries: list[Entry]) -> None:
    """Replace the register.

    Raises:
        PkiError: it cannot be written.
    """
    write_file(path, msgspec.json.format(msgspec.json.encode(entries), indent=2) + b"\n", SECRET)
