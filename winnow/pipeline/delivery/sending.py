"""What goes out over a connection and in which packets, and what is done about the broker's answers and the receipts.

The publisher's thread alone uses it. Each decision lies in a module of its own: what is next (`send_order`, `live`),
how much may be under way (`window`, `flight`), what goes together (`packing`), what topics are called (`aliases`).
"""

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from random import Random
from typing import Final

from winnow.events import Receipt
from winnow.events.topics import batch_topic
from winnow.pipeline.delivery.aliases import TopicAliases
from winnow.pipeline.delivery.errors import SpoolFullError
from winnow.pipeline.delivery.link import Connected, Link
from winnow.pipeline.delivery.live import LiveMark
from winnow.pipeline.delivery.message import SpooledMessage
from winnow.pipeline.delivery.metrics import DeliveryMetrics, RefusalReason
from winnow.pipeline.delivery.packing import Packet, Packing, single
from winnow.pipeline.delivery.refusals import Refusals
from winnow.pipeline.delivery.spool import Spool
from winnow.pipeline.delivery.window import FIRST_RETRY_S, Window
from winnow.pipeline.delivery.wire import WireTally, shares_with_alias

_TAKES_NONE: Final[frozenset[RefusalReason]] = frozenset({"no_subscriber", "quota"})
"""Refusals that have nothing to do with the message."""

logger = logging.getLogger(__name__)


class Sending:
    """One spool's messages, over one connection after the other.

    Args:
        spool: what is sent, and deleted on a receipt.
        metrics: counts what happens.
        packing: puts messages into batches; None sends each on its own topic.
        random: spreads retries of many nodes.
        first_retry_s: a message without a receipt is sent again after so long, then after twice as long.

    Attributes:
        window: what is under way.
        wire: the bytes that went out.
        held_until_s: when what is kept back for company leaves; None if nothing is.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        metrics: DeliveryMetrics,
        packing: Packing | None = None,
        random: Random | None = None,
        first_retry_s: float = FIRST_RETRY_S,
    ) -> None:
        self.window = Window(random, first_retry_s=first_retry_s)
        self.wire = WireTally()
        self.held_until_s: float | None = None
        self._spool = spool
        self._metrics = metrics
        self._packing = packing
        self._live = LiveMark(spool.last_sequence)
        self._refusals = Refusals(spool.node)
        self._connected = Connected()
        self._aliases = TopicAliases(0, first="")
        self._packets: dict[int, Packet] = {}

    @property
    def awaits_answers(self) -> bool:
        """Whether the broker owes an answer."""
        return bool(self._packets)

    def look(self, now_s: float) -> None:
        """Note how far the sequence is; without a link too: what comes meanwhile is backlog."""
        self._live.note(self._spool.last_sequence, now_s)

    def next_turn_s(self, now_s: float) -> float | None:
        """Return when there is something to send without anything happening before; None if nothing is waited for."""
        turns = (self.held_until_s, self.window.next_turn_s(now_s))
        return min((one for one in turns if one is not None), default=None)

    def begin(self, connected: Connected) -> None:
        """Send over a new connection from now on."""
        self._connected = connected
        self._aliases = TopicAliases(connected.topic_alias_maximum, first=batch_topic(self._spool.node))

    def start_over(self, now_s: float) -> None:
        """The connection has ended: whatever was under way is sent again over the next one."""
        self._packets.clear()
        culprit = self.window.start_over(now_s)
        if culprit is not None:
            self._metrics.refused.labels("disconnect").inc()
            logger.warning("Broker ends the connection over one message; put off", extra={"sequence": culprit})

    def note_answer(self, packet_id: int, refusal: RefusalReason | None, now_s: float) -> None:
        """Take the broker's answer to a packet into account."""
        if refusal is not None:
            self._metrics.refused.labels(refusal).inc()
        packet = self._packets.pop(packet_id, None)
        if packet is None:  # a status: the next connection tells it again
            return
        if refusal is None:
            self._refusals.note_taken()
        else:
            self._refusals.note(refusal)
            if packet.is_batch and self._packing is not None:
                self._packing.note_refusal(now_s)
        for message in packet.messages:
            if refusal is None:
                self.window.taken(message.sequence, now_s)
            else:  # it need not be the fault of each message in a batch: they are tried again one by one
                takes_none = packet.is_batch or refusal in _TAKES_NONE
                self.window.refused(message.sequence, now_s, takes_none=takes_none)

    def note_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Delete what receipts of the spool's epoch name."""
        if not receipts:
            return
        all_of_them = _joined(receipts)
        try:
            deleted = self._spool.acknowledge(all_of_them)
        except SpoolFullError as exc:
            logger.warning("Receipts could not be noted and will come again", extra={"reason": str(exc)})
            return
        self._metrics.receipted.inc(deleted)
        self.window.receipted(all_of_them)
        self.wire.forget(all_of_them)

    def send(self, link: Link, now_s: float, *, may_hold: bool) -> None:
        """Send all that may go out now: what is due again, then what waits.

        Args:
            link: the connection.
            now_s: monotonic time.
            may_hold: whether pictures may wait for company.
        """
        self._send_due(link, now_s)
        while self._send_waiting(link, now_s, may_hold=may_hold):
            pass

    def _send_due(self, link: Link, now_s: float) -> None:
        due = self.window.due(now_s)[: min(self.window.may_repeat(now_s), max(0, link.room))]
        if not due:
            return
        found = self._spool.read(due)
        self.window.forget(set(due) - {message.sequence for message in found})
        for message in found:
            if not self._publish(link, single(message), now_s, by_number=False):
                return

    def _send_waiting(self, link: Link, now_s: float, *, may_hold: bool) -> bool:
        """Send what is next; return whether there may be more that can go at once."""
        self.held_until_s = None
        room, known = self.window.room(now_s), self.window.known
        messages = min(room.messages, link.room)
        if messages <= 0 or self._spool.depth <= len(known):
            return False
        read = partial(
            self._spool.next_batch,
            excluding=known,
            live_after=self._live.after,
            max_message_bytes=self._connected.max_packet_bytes,
        )
        packing = None if self.window.is_wary else self._packing
        batch: list[SpooledMessage] = []
        if packing is not None and packing.is_on(now_s):
            limit_bytes = packing.limit_bytes(self._connected.max_packet_bytes)
            batch = read(limit_messages=messages, limit_bytes=min(room.size_bytes, limit_bytes))
        if not batch:  # or it is nearly as large as a packet may be, and goes alone
            packing, batch = None, read(limit_messages=messages, limit_bytes=room.size_bytes)
        if not batch and room.alone_bytes:  # larger than what a narrow line shall carry at once: it goes by itself
            batch = read(limit_messages=1, limit_bytes=room.alone_bytes)
        packets = self._packets_of(batch, packing, now_s, may_hold=may_hold)
        return bool(packets) and all(self._publish(link, packet, now_s) for packet in packets)

    def _packets_of(
        self, batch: Sequence[SpooledMessage], packing: Packing | None, now_s: float, *, may_hold: bool
    ) -> Sequence[Packet]:
        """Return what goes out of a batch now: nothing, if it is worth waiting for more."""
        if packing is None or not batch:
            return [single(message) for message in batch]
        leaves_at_s = packing.leaves_at_s(batch, now_s)
        if leaves_at_s > now_s and may_hold:
            self.held_until_s = leaves_at_s
            return []
        return [packing.packed(batch)]

    def _publish(self, link: Link, packet: Packet, now_s: float, *, by_number: bool = True) -> bool:
        """Hand a packet to the network; return whether the connection took it.

        What had no receipt goes by its full topic: a broker that mixes its numbers up delays an event, and loses none.
        """
        alias = self._aliases.take(packet.mqtt.topic) if by_number and not self.window.is_wary else None
        packet_id = link.publish(packet.mqtt, alias=alias)
        if packet_id is None:
            return False
        self._packets[packet_id] = packet
        shares = shares_with_alias(packet.shares, packet.mqtt, alias)
        for message, share in zip(packet.messages, shares, strict=True):
            repeated = self.window.sent(message.sequence, message.size_bytes, now_s, wire_bytes=share.size_bytes)
            (self._metrics.republished if repeated else self._metrics.published).inc()
            self._metrics.sent_bytes.inc(share.size_bytes)
            self.wire.note(message.sequence, share)
        return True


def _joined(receipts: Iterable[Receipt]) -> Receipt:
    """Return one receipt that says what several of one epoch say."""
    some = list(receipts)
    return Receipt(
        epoch=some[0].epoch,
        upto=max(receipt.upto for receipt in some),
        also=tuple({sequence for receipt in some for sequence in receipt.also}),
    )
