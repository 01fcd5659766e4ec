"""The publisher turn by turn: no network, no waiting, time that the test moves.

Long, because its turns share one scripted link and spool.
"""

import logging
from collections.abc import Callable
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from winnow.events import Receipt
from winnow.events.mqtt import MqttMessage, position_of
from winnow.events.receipts import encode_receipt
from winnow.events.status import CameraStatus, NodeStatus, decode_status
from winnow.events.topics import camera_status_topic, node_status_topic
from winnow.pipeline.delivery import DeliveryMetrics, Packing, Publisher, SpoolFullError
from winnow.pipeline.delivery.link import Answered, Arrived, Connected, Ended, Link
from winnow.pipeline.delivery.testing import FakeLink, MemorySpool, crossing, thumbnail, update
from winnow.runtime.testing import ManualClock


class Bench:
    """A publisher, its spool and the links that it made.

    Attributes:
        links: every link, the current one last.
        reachable: whether a broker answers at all.
    """

    def __init__(self, packing: Packing | None = None) -> None:
        self.clock = ManualClock()
        self.registry = CollectorRegistry()
        self.spool = MemorySpool(node="shop-1", clock=self.clock)
        self.links: list[FakeLink] = []
        self.reachable = True
        self.receive_maximum = 65535
        self.publisher = Publisher(
            self.spool,
            connect=self.connect,
            version="1.0",
            clock=self.clock,
            metrics=DeliveryMetrics(self.registry),
            random=Random(1),
            packing=packing,
        )

    def connect(self, wake: Callable[[], None]) -> Link:
        """Start a link, or fail as an unreachable broker does."""
        if not self.reachable:
            raise ConnectionRefusedError(111, "Connection refused")
        self.links.append(FakeLink(wake, receive_maximum=self.receive_maximum))
        return self.links[-1]

    @property
    def link(self) -> FakeLink:
        """Return the current link."""
        return self.links[-1]

    def connected(self, max_packet_bytes: int | None = None) -> FakeLink:
        """Run until there is a connection."""
        self.publisher.run_once()
        self.link.report(Connected(max_packet_bytes=max_packet_bytes))
        self.publisher.run_once()
        return self.link

    def after(self, seconds: float) -> float:
        """Move the clock and take a turn."""
        self.clock.advance(seconds)
        return self.publisher.run_once()

    def count(self, name: str, **labels: str) -> float | None:
        """Return a metric."""
        return self.registry.get_sample_value(f"winnow_{name}", labels)


@pytest.fixture
def bench() -> Bench:
    """Return a publisher whose broker is the test."""
    return Bench()


def sent(link: FakeLink) -> list[int]:
    """Return the sequences that were published on a link, in order."""
    positions = [position_of(message.user_properties) for message, _ in link.published]
    return [position[1] for position in positions if position]


def packet_of(link: FakeLink, sequence: int) -> int:
    """Return the packet id of the last PUBLISH of a sequence."""
    ids = [
        index + 1
        for index, (message, _) in enumerate(link.published)
        if position_of(message.user_properties) == ("memory", sequence)
    ]
    return ids[-1]


def receipt(*sequences: int) -> Arrived:
    """Return the arrival of a receipt."""
    return Arrived(encode_receipt(Receipt(epoch="memory", also=sequences)))


def states(link: FakeLink) -> list[tuple[str, bool, str]]:
    """Return topic, retained and state of every status that was published."""
    found: list[tuple[str, bool, str]] = []
    for message, retained in link.published:
        if message.topic == node_status_topic("shop-1"):
            found.append((message.topic, retained, decode_status(message.payload, None).state))
        elif "/cameras/" in message.topic:
            found.append((message.topic, retained, decode_status(message.payload, "door").state))
    return found


def test_nothing_is_published_before_the_broker_has_answered(bench: Bench) -> None:
    """A socket is no connection: only CONNACK opens the spool."""
    bench.spool.append([crossing(0)])
    bench.publisher.run_once()
    bench.publisher.run_once()
    assert (bench.link.published, bench.publisher.is_connected) == ([], False)
    bench.link.report(Connected())
    bench.publisher.run_once()
    assert sent(bench.link) == [1]


def test_first_word_on_a_connection_is_online(bench: Bench) -> None:
    """The node's state is retained and precedes every event."""
    bench.spool.append([crossing(0)])
    link = bench.connected()
    assert states(link) == [(node_status_topic("shop-1"), True, "online")]
    assert link.published[0][0].topic == node_status_topic("shop-1")


def test_messages_leave_by_priority_within_the_window(bench: Bench) -> None:
    """64 messages, changes first; the rest follows receipt by receipt."""
    bench.spool.append([thumbnail(0), update(1)])
    bench.spool.append([crossing(number) for number in range(2, 72)])
    link = bench.connected()
    assert sent(link) == list(range(3, 67))
    link.report(receipt(*range(3, 67)))
    bench.publisher.run_once()
    assert sent(link)[64:] == [*range(67, 73), 2, 1]


def test_live_message_overtakes_the_backlog(bench: Bench) -> None:
    """What came in the last seconds goes before what waited for long."""
    bench.spool.append([crossing(number) for number in range(200)])
    link = bench.connected()
    bench.after(60.0)
    bench.spool.append([crossing(200)])
    link.report(receipt(*sent(link)))
    bench.publisher.run_once()
    assert sent(link)[64] == 201


def test_what_came_while_there_was_no_broker_is_backlog(bench: Bench) -> None:
    """After a minute without a connection an event of now goes first, and not behind all that has come meanwhile."""
    bench.reachable = False
    bench.after(0.0)
    bench.spool.append([crossing(number) for number in range(200)])
    for _ in range(60):
        bench.after(1.0)
    bench.spool.append([update(200)])
    bench.reachable = True
    bench.after(0.5)
    for _ in range(8):
        bench.after(1.0)
        if bench.links:
            break
    bench.spool.append([crossing(201)])
    assert sent(bench.connected())[:3] == [202, 201, 1]


def test_broker_acknowledgement_deletes_nothing(bench: Bench) -> None:
    """Only a receipt does."""
    bench.spool.append([crossing(0)])
    link = bench.connected()
    link.report(Answered(packet_of(link, 1)))
    bench.publisher.run_once()
    assert bench.spool.depth == 1
    link.report(receipt(1))
    bench.publisher.run_once()
    assert bench.spool.depth == 0
    assert bench.count("receipted_messages_total") == 1


def test_message_without_a_receipt_is_published_again(bench: Bench) -> None:
    """Not before 27 s (30 s less jitter), and not on top of other repeats."""
    bench.spool.append([crossing(0)])
    link = bench.connected()
    link.report(Answered(packet_of(link, 1)))
    bench.after(26.9)
    assert sent(link) == [1]
    bench.after(6.2)
    assert sent(link) == [1, 1]
    assert bench.count("published_messages_total") == bench.count("republished_messages_total") == 1


def test_receipt_that_comes_while_a_link_is_changed_is_not_missed(bench: Bench) -> None:
    """The old connection has acknowledged it, so that the next one does not hear it again."""
    bench.spool.append([crossing(0)])
    link = bench.connected()
    link.report(*(Answered(number + 1) for number in range(len(link.published))))
    link.last_words.append(receipt(1))
    link.outdated = True
    bench.publisher.run_once()
    assert link.closed
    assert bench.spool.depth == 0
    assert len(bench.links) == 2


def test_message_that_was_given_up_is_not_published_again(bench: Bench) -> None:
    """It left the spool on another way, so the window forgets it."""
    bench.spool.append([crossing(0)])
    link = bench.connected()
    link.report(Answered(packet_of(link, 1)))
    bench.spool.acknowledge(Receipt(epoch="memory", upto=1))
    bench.after(40.0)
    assert sent(link) == [1]
    assert bench.publisher._sending.window.known == frozenset()


def test_lost_connection_is_followed_by_a_fresh_one_that_sends_everything_again(bench: Bench) -> None:
    """The old link is closed without a goodbye; states and messages come again."""
    bench.publisher.set_camera_status("door", CameraStatus(state="online", since=bench.clock.now()))
    bench.spool.append([crossing(0), crossing(1)])
    first = bench.connected()
    first.report(Answered(packet_of(first, 1)), Answered(packet_of(first, 2)), Ended("Unspecified error"))
    bench.publisher.run_once()
    assert (first.closed, bench.publisher.is_connected, bench.publisher.outage) == (False, False, "Unspecified error")
    bench.clock.advance(1.0)
    second = bench.connected()
    assert second is not first
    assert sent(second) == [1, 2]
    assert {topic for topic, _, _ in states(second)} == {
        node_status_topic("shop-1"),
        camera_status_topic("shop-1", "door"),
    }
    assert bench.count("broker_reconnects_total") == 1


def test_nothing_is_published_while_disconnected(bench: Bench) -> None:
    """What comes in the meantime stays in the spool."""
    link = bench.connected()
    link.report(Ended("gone"))
    bench.publisher.run_once()
    bench.spool.append([crossing(0)])
    bench.publisher.run_once()
    assert sent(link) == []


def test_unreachable_broker_is_tried_again_after_growing_delays(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Half a second at first, 3.9 s at most, and one line in the log for the whole outage."""
    bench.reachable = False
    waits = []
    for _ in range(8):
        waited = bench.publisher._try_at_s
        bench.clock.advance(max(0.0, waited - bench.clock.monotonic_s()))
        bench.publisher.run_once()
        waits.append(bench.publisher._try_at_s - bench.clock.monotonic_s())
    assert 0.35 <= waits[0] <= 0.65
    assert all(2.1 <= wait <= 3.9 for wait in waits[4:])
    assert bench.publisher.outage == "cannot connect: Connection refused"
    assert [record.message for record in caplog.records] == ["No connection to the broker"]


@pytest.mark.parametrize(("reason", "waits_on"), [("no_subscriber", True), ("not_authorized", False)])
def test_refused_message_is_not_sent(bench: Bench, reason: str, *, waits_on: bool) -> None:
    """It is counted by reason; a broker that takes none leaves it waiting, one that minds this one puts it off."""
    bench.spool.append([crossing(0)])
    link = bench.connected()
    link.report(Answered(packet_of(link, 1), reason))  # type: ignore[arg-type]
    bench.publisher.run_once()
    assert bench.spool.depth == 1
    assert bench.count("refused_messages_total", reason=reason) == 1
    bench.after(1.0)
    assert (sent(link) == [1, 1]) is waits_on
    bench.after(60.0)
    assert sent(link)[1] == 1


def test_refusals_are_said_once_with_what_to_do(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """While no gateway listens each message is refused; one line says so, and one that it is over."""
    caplog.set_level(logging.INFO)
    bench.spool.append([crossing(0)])
    link = bench.connected()
    for number in range(3):
        link.report(Answered(packet_of(link, 1), "no_subscriber"))
        bench.publisher.run_once()
        bench.after(10.0)
        assert len(sent(link)) == number + 2
    (said,) = (record for record in caplog.records if record.levelno == logging.WARNING)
    assert said.getMessage() == "Broker refuses messages; they stay in the spool"
    assert vars(said)["advice"] == "no gateway listens: start `winnow gateway` on this broker"
    link.report(Answered(len(link.published)))
    bench.publisher.run_once()
    assert caplog.records[-1].getMessage() == "Broker takes messages again"


def test_message_too_large_for_the_broker_is_passed_over(bench: Bench) -> None:
    """The broker named its limit in CONNACK."""
    bench.spool.append([thumbnail(0, size_bytes=9000), thumbnail(1, size_bytes=2000)])
    assert sent(bench.connected(max_packet_bytes=5000)) == [2]


def test_no_more_is_unanswered_than_the_broker_allows(bench: Bench) -> None:
    """The receive maximum counts states and messages alike."""
    bench.receive_maximum = 5
    bench.spool.append([crossing(number) for number in range(10)])
    link = bench.connected()
    assert (len(states(link)), sent(link)) == (1, [1, 2, 3, 4])
    link.report(Answered(1), Answered(2))
    bench.publisher.run_once()
    assert sent(link) == [1, 2, 3, 4, 5, 6]


def test_receipt_that_cannot_be_read_changes_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Malformed and foreign receipts are passed over."""
    bench.spool.append([crossing(0)])
    link = bench.connected()
    link.report(Arrived(b"{"), Arrived(encode_receipt(Receipt(epoch="another", upto=1))))
    bench.publisher.run_once()
    assert bench.spool.depth == 1
    assert "Receipt cannot be read" in [record.message for record in caplog.records]


def test_receipts_that_the_disk_does_not_take_come_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message stays under way, is published again later, and its next receipt counts."""
    bench.spool.append([crossing(0)])
    link = bench.connected()

    def full(_receipt: Receipt) -> int:
        raise SpoolFullError(None, "no room")

    with monkeypatch.context() as patch:
        patch.setattr(bench.spool, "acknowledge", full)
        link.report(Answered(packet_of(link, 1)), receipt(1))
        bench.publisher.run_once()
    assert bench.spool.depth == 1
    bench.after(40.0)
    assert sent(link) == [1, 1]
    link.report(receipt(1))
    bench.publisher.run_once()
    assert bench.spool.depth == 0


def test_faulty_link_is_replaced(bench: Bench) -> None:
    """The watchdog's word is enough."""
    first = bench.connected()
    first.wrong = "the network thread has ended"
    bench.publisher.run_once()
    assert (first.closed, bench.publisher.outage) == (False, "the network thread has ended")
    bench.clock.advance(1.0)
    bench.connected()
    assert len(bench.links) == 2


def test_exception_ends_the_connection_not_the_thread(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, expects_error_log: list[logging.LogRecord]
) -> None:
    """It is logged, and the next turn starts over."""
    first = bench.connected()

    def broken(message: MqttMessage, *, retain: bool = False) -> int:
        raise RuntimeError(message.topic, retain)

    monkeypatch.setattr(first, "publish", broken)
    bench.spool.append([crossing(0)])
    assert bench.publisher._run_guarded() > 0
    assert (first.closed, len(expects_error_log)) == (False, 1)
    bench.clock.advance(1.0)
    assert sent(bench.connected()) == [1]


def test_turn_says_when_to_come_back(bench: Bench) -> None:
    """At once never, after a second at the latest."""
    bench.spool.append([crossing(0)])
    bench.connected()
    assert bench.after(0.1) == 1.0
    assert bench.after(100.0) >= 0.02


def test_stop_with_an_empty_spool_waits_for_no_broker(bench: Bench) -> None:
    """There is nothing to deliver, so an unreachable broker costs nothing."""
    bench.reachable = False
    bench.publisher.start()
    bench.publisher.stop(1.0)
    assert not bench.publisher._thread.is_alive()
    assert bench.links == []


def test_stop_says_stopped_and_goodbye(bench: Bench) -> None:
    """The last state is `stopped`, and the link is closed in order."""
    link = bench.connected()
    bench.publisher.start()
    bench.publisher.stop(1.0)
    assert states(link)[-1] == (node_status_topic("shop-1"), True, "stopped")
    assert link.closed is True


def test_node_status_tells_version_and_time(bench: Bench) -> None:
    """`online` since this connection."""
    bench.clock.advance(5.0)
    link = bench.connected()
    status = decode_status(link.published[0][0].payload, None)
    assert status == NodeStatus(state="online", since=bench.clock.now(), version="1.0")
