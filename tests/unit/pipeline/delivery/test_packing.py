"""What goes out together, when, and what each message takes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.events import Receipt
from winnow.events.batch import BatchReader
from winnow.events.mqtt import MqttMessage
from winnow.pipeline.delivery.link import Answered, Connected
from winnow.pipeline.delivery.message import Message, SpooledMessage, record_all
from winnow.pipeline.delivery.metrics import RefusalReason
from winnow.pipeline.delivery.packing import BATCHES_OFF_S, Packing, single
from winnow.pipeline.delivery.testing import crossing, thumbnail, update
from winnow.pipeline.delivery.wire import SentBytes, Share, WireTally, publish_bytes
from winnow.runtime.testing import ManualClock

from .test_publisher import Bench, receipt, sent


def spooled(*messages: Message) -> list[SpooledMessage]:
    """Return messages as a spool keeps them."""
    return record_all(messages, node="shop-1", epoch="e1", after=0, at=ManualClock().now())[1]


class PackingBench(Bench):
    """A publisher that sends batches."""

    def __init__(self) -> None:
        super().__init__(packing=Packing("shop-1", wait_s=0.8))

    def batches(self) -> list[list[str]]:
        """Return what each batch held, by last part of the topic."""
        return [
            [part.topic.split("/")[3] for part in BatchReader().messages_of(message.topic, message.payload)]
            for message, _ in self.link.published
            if message.topic.endswith("/batch")
        ]


@pytest.fixture
def bench() -> PackingBench:
    """Return a publisher whose broker is the test."""
    return PackingBench()


def test_what_is_ready_goes_in_one_batch_at_once(bench: PackingBench) -> None:
    """An event takes along whatever waits, pictures too; nobody waits for company."""
    bench.connected()
    bench.spool.append([crossing(0), update(1), thumbnail(2)])
    bench.publisher.run_once()
    assert bench.batches() == [["events", "events", "thumbnails"]]
    assert sent(bench.link) == []
    bench.link.report(Answered(2), receipt(1, 2, 3))
    bench.publisher.run_once()
    assert bench.spool.depth == 0


def test_picture_alone_waits_for_a_moment(bench: PackingBench) -> None:
    """It goes with the next event, or when the moment is over."""
    bench.connected()
    bench.spool.append([thumbnail(0)])
    bench.publisher.run_once()
    assert bench.after(0.5) <= 0.31
    assert bench.batches() == []
    bench.spool.append([crossing(1)])
    bench.after(0.1)
    assert bench.batches() == [["events", "thumbnails"]]
    bench.spool.append([thumbnail(2)])
    bench.after(0.0)
    bench.after(0.9)
    assert bench.batches()[1:] == [["thumbnails"]]


def test_message_without_a_receipt_goes_again_alone(bench: PackingBench) -> None:
    """Whatever somebody on the way has against batches, the message arrives on its own topic."""
    bench.connected()
    bench.spool.append([crossing(0), crossing(1)])
    bench.publisher.run_once()
    bench.link.report(Answered(2))
    bench.after(60.0)
    assert (len(bench.batches()), sent(bench.link)) == (1, [1, 2])


@pytest.mark.parametrize("refusal", ["no_subscriber", "not_authorized", "size", "other"])
def test_refused_batch_goes_singly_from_then_on(bench: PackingBench, refusal: RefusalReason) -> None:
    """No message is blamed or put off for it; after a while a batch is tried again."""
    bench.connected()
    bench.spool.append([crossing(0), crossing(1)])
    bench.publisher.run_once()
    bench.link.report(Answered(2, refusal))
    bench.publisher.run_once()
    for _ in range(12):
        bench.after(1.0)
        bench.link.report(*(Answered(packet) for packet in range(3, len(bench.link.published) + 1)))
    assert sent(bench.link)[:2] == [1, 2]
    bench.link.report(receipt(1, 2))
    healed: list[int] = []
    for number in range(12):  # the allowance grows with each message that is taken
        bench.spool.append([crossing(2 + number)])
        bench.after(1.0)
        healed.append(3 + number)
        bench.link.report(Answered(len(bench.link.published)), receipt(*healed))
    bench.after(BATCHES_OFF_S - 30)
    assert (len(bench.batches()), sent(bench.link)[-1]) == (1, 14)
    bench.after(30)
    bench.spool.append([crossing(99)])
    bench.publisher.run_once()
    assert bench.batches() == [["events", "events"], ["events"]]


def test_connection_lost_over_a_batch_is_followed_by_single_messages(bench: PackingBench) -> None:
    """The broker may have ended it because of the batch: the next connection feels its way."""
    bench.connected()
    bench.spool.append([crossing(0), crossing(1)])
    bench.publisher.run_once()
    bench.link.wrong = "gone"
    bench.publisher.run_once()
    bench.clock.advance(5.0)
    bench.connected()
    bench.publisher.run_once()
    assert (bench.batches(), sent(bench.link)) == ([], [1])


def test_message_nearly_as_large_as_a_packet_may_be_goes_alone(bench: PackingBench) -> None:
    """A batch needs room beside its messages; without it the message still goes."""
    bench.publisher.run_once()
    bench.link.report(Connected(max_packet_bytes=3000))
    bench.publisher.run_once()
    bench.spool.append([thumbnail(0, size_bytes=2000)])
    bench.publisher.run_once()
    assert sent(bench.link) == [1]


def test_window_counts_the_messages_in_a_batch(bench: PackingBench) -> None:
    """No more than 64 are on their way, however few packets they take."""
    bench.connected()
    bench.spool.append([crossing(number) for number in range(200)])
    bench.publisher.run_once()
    assert [len(batch) for batch in bench.batches()] == [64]


@given(st.lists(st.sampled_from(["event", "picture"]), min_size=1, max_size=20))
def test_shares_of_a_batch_are_exactly_its_packet(kinds: list[str]) -> None:
    """Every byte of the packet is some camera's; a picture's own bytes are its own."""
    messages = spooled(*(crossing(n) if kind == "event" else thumbnail(n) for n, kind in enumerate(kinds)))
    packet = Packing("shop-1", wait_s=0).packed(messages)
    assert sum(share.size_bytes for share in packet.shares) == publish_bytes(packet.mqtt)
    for message, share in zip(messages, packet.shares, strict=True):
        assert share.camera == "door"
        assert share.size_bytes >= (len(message.mqtt.payload) if share.is_thumbnail else 0)


def test_packet_size_is_that_of_the_standard() -> None:
    """Counted by hand: header 2, topic 2 + 1, packet id 2, properties 1 + 3 + 1, payload 5."""
    assert publish_bytes(MqttMessage(topic="t", payload=b"12345", content_type="c", user_properties=())) == 17
    (event,) = spooled(crossing(0))
    assert 0 <= event.size_bytes - publish_bytes(event.mqtt) <= 8
    assert single(event).shares[0].size_bytes == publish_bytes(event.mqtt)


def test_second_sending_is_counted_apart() -> None:
    """Whether for want of a receipt or after a lost connection; what has its receipt is new when it comes again."""
    tally = WireTally()
    for sequence, size_bytes, is_thumbnail in ((1, 10, False), (2, 100, True), (1, 10, False)):
        tally.note(sequence, Share(camera="door", is_thumbnail=is_thumbnail, size_bytes=size_bytes))
    tally.forget(Receipt(epoch="e1", upto=2))
    tally.note(1, Share(camera="door", is_thumbnail=False, size_bytes=7))
    assert tally.of("door") == SentBytes(events=17, thumbnails=100, resent=10)
    assert tally.of(None) == SentBytes()
