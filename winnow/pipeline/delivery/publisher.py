"""Gets what the spool holds to the broker, and deletes it when, and only when, a receipt has come back.

One thread does everything that decides: `run` is a loop over `run_once`. The network has a thread of its own, which
reports through the link and wakes this one. Whatever fails ends the link; the next one starts from the spool.
"""

import logging
from collections.abc import Callable, Iterable
from random import Random
from threading import Event as Flag
from threading import Thread
from typing import Final

from winnow.events import ContractError, Receipt
from winnow.events.receipts import decode_receipt
from winnow.events.status import CameraStatus, NodeStatus
from winnow.pipeline.delivery.link import Answered, Arrived, Commanded, Connect, Connected, Ended, Link
from winnow.pipeline.delivery.metrics import DeliveryMetrics
from winnow.pipeline.delivery.packing import Packing
from winnow.pipeline.delivery.sending import Sending
from winnow.pipeline.delivery.spool import Spool
from winnow.pipeline.delivery.statuses import Statuses
from winnow.pipeline.delivery.window import FIRST_RETRY_S
from winnow.runtime.clock import Clock
from winnow.runtime.retry import Backoff
from winnow.runtime.settings import SettingsError

logger = logging.getLogger(__name__)

FIRST_RECONNECT_S: Final = 0.5
LAST_RECONNECT_S: Final = 3.0
"""A healed broker is found within 3.9 s (30 % jitter). A fresh event may take ten seconds, and where everything was
away at once, others may still have to find one another after that."""

STEADY_S: Final = 10.0
"""A connection that held for so long was a good one: the next reconnect is a quick one again."""

CHANGE_WITHIN_S: Final = 5.0
"""How long a connection with an outdated certificate is kept for answers that the broker owes."""

FAREWELL_S: Final = 1.0
"""How long the broker's answer to the last status is waited for."""

_FAREWELL_LOOKS: Final = 20

_LONGEST_WAIT_S: Final = 1.0
"""Between two looks at the link's health when nothing happens."""
_SHORTEST_WAIT_S: Final = 0.02
"""Between two turns in which nothing could be sent although it is due."""


class Publisher:
    """Delivers one spool over one connection at a time.

    Args:
        spool: what is delivered; the caller closes it after `stop`.
        connect: starts a link.
        version: the software's, told in the node's status.
        clock: times retries and reconnects; waiting itself is done on the machine's own clock.
        metrics: counts what happens.
        random: spreads retries and reconnects of many nodes.
        command: given the payload of each command, on the publisher's thread; must not block.
        first_retry_s: a message without a receipt is published again after so long, then after twice as long.
        packing: puts messages into batches; None publishes each on its own topic.

    Attributes:
        wire: the bytes that went out.
    """

    def __init__(  # noqa: PLR0913 - what delivery depends on
        self,
        spool: Spool,
        *,
        connect: Connect,
        version: str,
        clock: Clock,
        metrics: DeliveryMetrics,
        random: Random | None = None,
        command: Callable[[bytes], None] = lambda _: None,
        first_retry_s: float = FIRST_RETRY_S,
        packing: Packing | None = None,
    ) -> None:
        self._sending = Sending(spool, metrics=metrics, packing=packing, random=random, first_retry_s=first_retry_s)
        self.wire = self._sending.wire
        self._spool = spool
        self._connect = connect
        self._command = command
        self._version = version
        self._clock = clock
        self._metrics = metrics
        self._statuses = Statuses(spool.node)
        self._reconnect = Backoff(first_s=FIRST_RECONNECT_S, limit_s=LAST_RECONNECT_S, random=random)
        self._link: Link | None = None
        self._connected: Connected | None = None
        self._connected_at_s = 0.0
        self._connections = 0
        self._try_at_s = clock.monotonic_s()
        self._change_by_s: float | None = None
        self._outage: str | None = None
        self._wake = Flag()
        self._stopping = Flag()
        self._stop_at_s = float("inf")
        self._thread = Thread(target=self.run, name="publisher", daemon=True)

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._connected is not None

    @property
    def outage(self) -> str | None:
        """Why there is no connection, None while there is one or before the first try."""
        return self._outage

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def notify(self) -> None:
        """Make the thread look at the spool at once; never blocks."""
        self._wake.set()

    def set_camera_status(self, camera: str, status: CameraStatus) -> None:
        """Publish a camera's state, retained, now if connected and on each connection from now on."""
        self._statuses.set_camera(camera, status)
        self._wake.set()

    def stop(self, deadline_s: float = 5.0) -> None:
        """Publish what can be published, say `stopped` and disconnect.

        Returns when everything was receipted, or after `deadline_s` and the two seconds that a farewell may take.
        What has no receipt by then stays in the spool for the next start.
        """
        self._stop_at_s = self._clock.monotonic_s() + deadline_s
        self._stopping.set()
        self._wake.set()
        self._thread.join(deadline_s + 2 * FAREWELL_S)
        if self._thread.is_alive():
            logger.warning("Publisher still waits for the network; left behind")

    def run(self) -> None:
        """Deliver until `stop` is called and its deadline is over or everything is receipted."""
        while not self._is_done():
            wait_s = self._run_guarded()
            self._wake.wait(min(wait_s, max(0.0, self._stop_at_s - self._clock.monotonic_s())))
            self._wake.clear()
        self._farewell()

    def run_once(self) -> float:
        """Do everything that can be done now; return after how many seconds to come back if nothing wakes us."""
        now_s = self._clock.monotonic_s()
        self._sending.look(now_s)
        if self._link is None and now_s >= self._try_at_s:
            self._open_link(now_s)
        if self._link is not None:
            self._hear(self._link, now_s)
        if self._link is not None and self._connected is not None and self._link.is_outdated():
            self._change_link(self._link, now_s)
        elif self._link is not None and self._connected is not None:
            self._send_statuses(self._link)
            self._sending.send(self._link, now_s, may_hold=not self._stopping.is_set())
        return self._wait_s(now_s)

    def _run_guarded(self) -> float:
        try:
            return self.run_once()
        except Exception:
            logger.exception("Delivery failed; starting over with a new connection")
            self._drop_link("delivery failed", self._clock.monotonic_s())
            return FIRST_RECONNECT_S

    def _is_done(self) -> bool:
        if not self._stopping.is_set():
            return False
        return self._spool.depth == 0 or self._clock.monotonic_s() >= self._stop_at_s

    def _wait_s(self, now_s: float) -> float:
        turn_s = self._try_at_s if self._link is None else self._sending.next_turn_s(now_s)
        if turn_s is None:
            return _LONGEST_WAIT_S
        return min(max(turn_s - now_s, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)

    def _open_link(self, now_s: float) -> None:
        try:
            self._link = self._connect(self._wake.set)
        except (OSError, SettingsError) as exc:
            self._note_outage(f"cannot connect: {getattr(exc, 'strerror', None) or exc}")
            self._try_at_s = now_s + self._reconnect.next_delay_s()

    def _change_link(self, link: Link, now_s: float) -> None:
        """Connect anew with a renewed certificate, once the broker has answered everything.

        Nothing is on its way then, the session stays, and with it the receipts that come in between.
        """
        self._change_by_s = self._change_by_s or now_s + CHANGE_WITHIN_S
        if self._sending.awaits_answers and now_s < self._change_by_s:
            return
        self._change_by_s = None
        logger.info("The certificate was renewed; connecting anew", extra={"node": self._spool.node})
        link.close(orderly=True)
        self._link, self._connected = None, None
        # What came while the connection was being closed is acknowledged: the broker does not send it again.
        self._sending.note_receipts([receipt for one in _arrived(link) for receipt in self._decoded(one.payload)])
        if self._sending.awaits_answers:
            self._sending.start_over(now_s)
        self._open_link(now_s)

    def _drop_link(self, reason: str, now_s: float) -> None:
        link, self._link, self._connected = self._link, None, None
        if link is not None:
            link.close(orderly=False)
        self._sending.start_over(now_s)
        if self._connected_at_s and now_s - self._connected_at_s >= STEADY_S:
            self._reconnect.reset()
        self._connected_at_s = 0.0
        self._metrics.connected.set(0)
        self._try_at_s = now_s + self._reconnect.next_delay_s()
        self._note_outage(reason)

    def _note_outage(self, reason: str) -> None:
        if self._outage != reason:
            logger.warning("No connection to the broker", extra={"node": self._spool.node, "reason": reason})
        self._outage = reason

    def _hear(self, link: Link, now_s: float) -> None:
        receipts: list[Receipt] = []
        for report in link.reports():
            match report:
                case Connected():
                    self._begin(report, now_s)
                case Answered(packet_id, refusal):
                    self._sending.note_answer(packet_id, refusal, now_s)
                case Arrived(payload):
                    receipts += self._decoded(payload)
                case Commanded(payload):
                    self._command(payload)
                case Ended(reason):
                    self._drop_link(reason, now_s)
        self._sending.note_receipts(receipts)
        fault = link.fault()
        if self._link is link and fault is not None:
            self._drop_link(fault, now_s)

    def _begin(self, connected: Connected, now_s: float) -> None:
        self._connected = connected
        self._sending.begin(connected)
        self._connected_at_s = now_s
        self._outage = None
        self._statuses.set_node(NodeStatus(state="online", since=self._clock.now(), version=self._version))
        self._statuses.tell_all_again()
        if self._connections:
            self._metrics.reconnects.inc()
        self._connections += 1
        self._metrics.connected.set(1)
        logger.info("Connected to the broker", extra={"node": self._spool.node, "waiting": self._spool.depth})

    def _decoded(self, payload: bytes) -> Iterable[Receipt]:
        try:
            receipt = decode_receipt(payload)
        except ContractError as exc:
            logger.warning("Receipt cannot be read", extra={"node": self._spool.node, "reason": str(exc)})
            return
        if receipt.epoch == self._spool.epoch:
            yield receipt

    def _send_statuses(self, link: Link) -> None:
        for message in self._statuses.take(link.room):
            link.publish(message, retain=True)

    def _farewell(self) -> None:
        link = self._link
        if link is None:
            return
        if self._connected is not None:
            self._statuses.set_node(NodeStatus(state="stopped", since=self._clock.now(), version=self._version))
            self._publish_and_wait(link)
        link.close(orderly=self._connected is not None)
        self._link, self._connected = None, None
        self._metrics.connected.set(0)

    def _publish_and_wait(self, link: Link) -> None:
        """Publish the untold states and wait for the answers: a socket closed with one unread may lose what we sent."""
        unanswered = {link.publish(message, retain=True) for message in self._statuses.take(link.room)} - {None}
        for _ in range(_FAREWELL_LOOKS):
            unanswered -= {report.packet_id for report in link.reports() if isinstance(report, Answered)}
            if not unanswered:
                return
            self._wake.wait(FAREWELL_S / _FAREWELL_LOOKS)
            self._wake.clear()


def _arrived(link: Link) -> list[Arrived]:
    return [report for report in link.reports() if isinstance(report, Arrived)]
