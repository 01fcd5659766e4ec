"""Servers that stay up between commands: what `start` remembers for `status` and `stop`."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from scripts.services.parts import Part
from scripts.services.process_tree import kill_tree, started_at_ticks

STATE: Final = Path(__file__).parents[2] / ".services" / "state.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundServer:
    """A server that an earlier command started.

    Attributes:
        started_at: when the kernel says the process began, so that a reused pid is never taken for it.
        root: its temporary directory.
    """

    name: str
    pid: int
    started_at: int
    root: str

    @property
    def alive(self) -> bool:
        """Whether the very process that was started still exists."""
        return started_at_ticks(self.pid) == self.started_at


def remember(parts: Sequence[Part], exports: Mapping[str, str]) -> None:
    """Write down the started servers and their addresses."""
    servers = []
    for part in parts:
        if part.server is not None:
            born = started_at_ticks(part.server.pid) or 0
            servers.append(
                BackgroundServer(name=part.name, pid=part.server.pid, started_at=born, root=str(part.server.root))
            )
    STATE.parent.mkdir(exist_ok=True)
    state = {"servers": [asdict(server) for server in servers], "exports": dict(exports)}
    STATE.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")


def recall() -> tuple[list[BackgroundServer], dict[str, str]]:
    """Return the servers that were started and their addresses; nothing if none were."""
    if not STATE.exists():
        return [], {}
    state = json.loads(STATE.read_text(encoding="utf-8"))
    return [BackgroundServer(**server) for server in state["servers"]], dict(state["exports"])


def end_all() -> list[str]:
    """End the remembered servers, remove their data and forget them; return the names of those that were alive."""
    servers, _ = recall()
    ended = []
    for server in servers:
        if server.alive:
            kill_tree(server.pid)
            ended.append(server.name)
        shutil.rmtree(server.root, ignore_errors=True)
    STATE.unlink(missing_ok=True)
    return ended
