"""Carries out what a running node is told over MQTT, and answers each command in the node's statistics."""

import logging
from collections import Counter
from collections.abc import Callable
from queue import Empty, Full, Queue
from typing import Final, Literal

from winnow.cli.reloading import Reloading, as_reason
from winnow.events import ContractError
from winnow.events.commands import Command, decode_command
from winnow.events.data import CommandAnswer
from winnow.pipeline.edge_node import EdgeNode

logger = logging.getLogger(__name__)

_MAX_WAITING: Final = 32
"""Nobody has more to say to one box in a tenth of a second; what comes beyond is dropped and counted."""


class Inbox:
    """Payloads of commands on their way from the publisher's thread to the node's."""

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: Queue[bytes] = Queue(maxsize=_MAX_WAITING)

    def put(self, payload: bytes) -> None:
        """Keep a payload until it is taken; never blocks."""
        try:
            self._waiting.put_nowait(payload)
        except Full:
            self.dropped += 1

    def take(self) -> bytes | None:
        """Return the oldest payload, None if there is none."""
        try:
            return self._waiting.get_nowait()
        except Empty:
            return None


class Commands:
    """Carries out commands for one node.

    Args:
        inbox: where they come from.
        node: answers them, and has the cameras.
        reloading: reads the settings again.

    Attributes:
        counts: commands by name and outcome; one that cannot be read has the name `unreadable`.
    """

    def __init__(self, inbox: Inbox, *, node: EdgeNode, reloading: Reloading) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._inbox = inbox
        self._node = node
        self._reloading = reloading

    @property
    def dropped(self) -> int:
        """How many came faster than they could be read."""
        return self._inbox.dropped

    def run_once(self) -> None:
        """Carry out the commands that wait; those that come meanwhile have the next turn."""
        for _ in range(_MAX_WAITING):
            payload = self._inbox.take()
            if payload is None:
                return
            try:
                command = decode_command(payload)
            except ContractError as exc:
                self.counts["unreadable", "refused"] += 1
                logger.warning("Command cannot be read", extra={"reason": str(exc)})
                continue
            self._carry_out(command)

    def _carry_out(self, command: Command) -> None:
        logger.info("Command received", extra={"command": command.command, "camera": command.camera or "-"})
        match command.command:
            case "reload":
                outcome = self._reloading.reload()
                in_use = self._node.settings_in_use
                self._answer(command, in_use.problem if in_use and outcome == "refused" else None)
            case "snapshot":
                self._snapshot(command)
            case "rollback":
                self._answer(command, "not available yet: this node keeps no earlier model")

    def _snapshot(self, command: Command) -> None:
        found = [camera for camera in self._node.cameras if camera.name == command.camera]
        if not found:
            self._answer(command, "no such camera: name one of the settings in the key camera")
        elif not found[0].is_online:
            self._answer(command, "the camera delivers no frames")
        else:
            found[0].ask_snapshot(self._teller(command))

    def _teller(self, command: Command) -> Callable[[str | None], None]:
        return lambda refusal: self._answer(command, refusal)

    def _answer(self, command: Command, refusal: str | None) -> None:
        outcome: Literal["done", "refused"] = "done" if refusal is None else "refused"
        self.counts[command.command, outcome] += 1
        if refusal is not None:
            logger.warning("Command refused", extra={"command": command.command, "reason": refusal})
        self._node.answer(
            CommandAnswer(
                command=command.command,
                outcome=outcome,
                id=command.id,
                camera=command.camera,
                reason=None if refusal is None else as_reason(refusal),
            )
        )
