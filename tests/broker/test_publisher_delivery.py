"""The publisher against a real Mosquitto, with a gateway that the test scripts."""

import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.services import MosquittoServer, ServerMissing
from tests.broker.publisher_rig import Edge, Gateway, eventually, running_edge
from winnow.events.status import CameraStatus
from winnow.pipeline.delivery.paho_link import PahoLink
from winnow.pipeline.delivery.testing import crossing, thumbnail
from winnow.runtime.clock import SystemClock

CHECKOUT = Path(__file__).parents[2]
MIB = 1024 * 1024


@pytest.fixture
def own_broker() -> Iterator[MosquittoServer]:
    """Return a running broker of this test's own."""
    try:
        server = MosquittoServer()
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with server:
        yield server


def test_what_is_receipted_is_deleted(mqtt_address: str, unique_name: str, tmp_path: Path) -> None:
    """Every event and thumbnail arrives once; the receipts empty the spool."""
    with Gateway(mqtt_address, unique_name) as gateway, running_edge(tmp_path / "s", mqtt_address, unique_name) as edge:
        for number in range(200):
            edge.outbox.accept([crossing(number, node=unique_name), thumbnail(number, node=unique_name)])
        eventually(lambda: edge.spool.depth == 0)
        assert gateway.sequences == Counter(range(1, 401))
        eventually(lambda: edge.count("receipted_messages_total") == 400)
        assert edge.count("published_messages_total") == 400
        assert edge.count("republished_messages_total") == 0


def test_broker_acknowledgement_alone_deletes_nothing(mqtt_address: str, unique_name: str, tmp_path: Path) -> None:
    """The broker has taken every message and the gateway has them; without a receipt they stay."""
    with (
        Gateway(mqtt_address, unique_name, sends_receipts=False) as gateway,
        running_edge(tmp_path / "s", mqtt_address, unique_name) as edge,
    ):
        edge.outbox.accept([crossing(number, node=unique_name) for number in range(100)])
        eventually(lambda: len(gateway.sequences) == 64)
        time.sleep(0.3)
        assert len(gateway.sequences) == 64, "the window holds the rest back"
        assert edge.spool.depth == 100
        gateway.receipt(edge.spool.epoch, *range(1, 65))
        eventually(lambda: edge.spool.depth == 36 and len(gateway.sequences) == 100)


def test_new_event_leaves_at_once(mqtt_address: str, unique_name: str, tmp_path: Path) -> None:
    """From acceptance to receipt an idle edge takes less than a tenth of a second (median of 20)."""
    with Gateway(mqtt_address, unique_name), running_edge(tmp_path / "s", mqtt_address, unique_name) as edge:
        eventually(lambda: edge.publisher.is_connected)
        took_s = []
        for number in range(20):
            time.sleep(0.03)
            before_s = time.monotonic()
            edge.outbox.accept([crossing(number, node=unique_name)])
            eventually(lambda: edge.spool.depth == 0)
            took_s.append(time.monotonic() - before_s)
        assert sorted(took_s)[10] < 0.1


def test_everything_arrives_after_the_broker_lost_its_memory(
    own_broker: MosquittoServer, unique_name: str, tmp_path: Path
) -> None:
    """What a SIGKILL took from the broker comes again from the spool: nothing is missing."""
    with (
        Gateway(own_broker.address, unique_name, sends_receipts=False) as gateway,
        running_edge(tmp_path / "s", own_broker.address, unique_name) as edge,
    ):
        edge.outbox.accept([crossing(number, node=unique_name) for number in range(50)])
        eventually(lambda: len(gateway.sequences) == 50)
        first_pid = own_broker.pid
        own_broker.kill()
        own_broker.wipe()
        edge.outbox.accept([crossing(number, node=unique_name) for number in range(50, 200)])
        gateway.sends_receipts = True
        own_broker.start()
        assert own_broker.pid != first_pid
        eventually(lambda: edge.spool.depth == 0)
        assert set(gateway.sequences) == set(range(1, 201))
        assert min(gateway.sequences[number] for number in range(1, 51)) >= 2, "sent again on the new connection"
        assert edge.count("broker_reconnects_total") >= 1


def test_small_messages_are_sent_without_waiting_for_more(mqtt_address: str, unique_name: str, tmp_path: Path) -> None:
    """Nagle's algorithm is off on the edge's connection: it holds events back for up to 40 ms."""
    with running_edge(tmp_path / "s", mqtt_address, unique_name) as edge:
        eventually(lambda: edge.publisher.is_connected)
        link = edge.publisher._link
        assert isinstance(link, PahoLink)
        connection = link._client.socket()
        assert isinstance(connection, socket.socket)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_frozen_broker_is_left_and_found_again(own_broker: MosquittoServer, unique_name: str, tmp_path: Path) -> None:
    """A connection on which nothing answers ends after two keepalives; once the broker goes on, so does delivery."""
    with (
        Gateway(own_broker.address, unique_name) as gateway,
        running_edge(tmp_path / "s", own_broker.address, unique_name) as edge,
    ):
        eventually(lambda: edge.publisher.is_connected)
        own_broker.pause()
        edge.outbox.accept([crossing(number, node=unique_name) for number in range(100)])
        eventually(lambda: edge.publisher.outage is not None)
        assert edge.spool.depth == 100
        own_broker.resume()
        eventually(lambda: edge.spool.depth == 0)
        assert set(gateway.sequences) == set(range(1, 101))


def test_restarted_edge_delivers_what_the_last_one_left(mqtt_address: str, unique_name: str, tmp_path: Path) -> None:
    """A spool that was filled without a broker in reach is delivered by the next process."""
    with running_edge(tmp_path / "s", "127.0.0.1:9", unique_name) as edge:
        edge.outbox.accept([crossing(number, node=unique_name) for number in range(30)])
        eventually(lambda: edge.publisher.outage is not None)
        assert "cannot connect" in str(edge.publisher.outage)
    with Gateway(mqtt_address, unique_name) as gateway, running_edge(tmp_path / "s", mqtt_address, unique_name) as edge:
        eventually(lambda: edge.spool.depth == 0)
        assert gateway.sequences == Counter(range(1, 31))


def test_states_are_retained_and_told_again_on_each_connection(
    own_broker: MosquittoServer, unique_name: str, tmp_path: Path
) -> None:
    """A broker that forgot everything knows node and cameras again after the reconnect."""
    since = SystemClock().now()
    door = CameraStatus(state="degraded", since=since, reason="frozen")
    with running_edge(tmp_path / "s", own_broker.address, unique_name) as edge:
        edge.publisher.set_camera_status("door", CameraStatus(state="online", since=since))
        eventually(lambda: edge.publisher.is_connected)
        edge.publisher.set_camera_status("door", door)
        own_broker.restart(wipe=True)
        eventually(lambda: edge.count("broker_reconnects_total") >= 1)
        with Gateway(own_broker.address, unique_name) as late_comer:
            eventually(lambda: ("door", door) in late_comer.statuses)
            eventually(lambda: late_comer.node_states() == ["online"])


def test_orderly_stop_says_stopped(mqtt_address: str, unique_name: str, tmp_path: Path) -> None:
    """The last word of a stopped node is `stopped`, not its last will, and everything accepted went out before."""
    edge = Edge(tmp_path / "s", mqtt_address, unique_name)
    with Gateway(mqtt_address, unique_name) as gateway:
        edge.publisher.start()
        eventually(lambda: edge.publisher.is_connected)
        edge.outbox.accept([crossing(number, node=unique_name) for number in range(300)])
        before_s = time.monotonic()
        edge.publisher.stop(5.0)
        assert time.monotonic() - before_s < 7.0
        assert edge.spool.depth == 0
        edge.spool.close()
        eventually(lambda: "stopped" in gateway.node_states())
        time.sleep(0.3)
        assert gateway.node_states() == ["online", "stopped"]
        assert gateway.sequences == Counter(range(1, 301))


def test_stop_ends_in_time_without_any_receipt(mqtt_address: str, unique_name: str, tmp_path: Path) -> None:
    """A gateway that answers nothing costs the deadline, and nothing that was accepted."""
    edge = Edge(tmp_path / "s", mqtt_address, unique_name)
    with Gateway(mqtt_address, unique_name, sends_receipts=False) as gateway:
        edge.publisher.start()
        edge.outbox.accept([crossing(0, node=unique_name)])
        eventually(lambda: gateway.sequences[1] == 1)
        before_s = time.monotonic()
        edge.publisher.stop(0.5)
        assert 0.5 <= time.monotonic() - before_s < 2.5
        assert edge.spool.depth == 1
        edge.spool.close()
        eventually(lambda: gateway.node_states()[-1:] == ["stopped"])


def test_broker_without_a_subscriber_refuses_and_is_not_flooded(
    own_broker: MosquittoServer, unique_name: str, tmp_path: Path
) -> None:
    """Answer 0x10 means nobody has it: the message stays, and a gateway that comes later gets everything."""
    with running_edge(tmp_path / "s", own_broker.address, unique_name) as edge:
        edge.outbox.accept([crossing(number, node=unique_name) for number in range(1000)])
        eventually(lambda: edge.count("refused_messages_total", reason="no_subscriber") >= 1)
        time.sleep(2.0)
        assert edge.count("published_messages_total") <= 80, "one at a time, after pauses"
        assert edge.spool.depth == 1000
        with Gateway(own_broker.address, unique_name) as gateway:
            eventually(lambda: edge.spool.depth == 0, within_s=10)
            assert set(gateway.sequences) == set(range(1, 1001))


def test_message_without_a_receipt_is_published_again(mqtt_address: str, unique_name: str, tmp_path: Path) -> None:
    """A gateway that has lost a message gets it again, on the same connection, and then receipts it."""
    with (
        Gateway(mqtt_address, unique_name, sends_receipts=False) as gateway,
        running_edge(tmp_path / "s", mqtt_address, unique_name, retry_s=0.4) as edge,
    ):
        edge.outbox.accept([crossing(0, node=unique_name), crossing(1, node=unique_name)])
        eventually(lambda: gateway.sequences[1] == 1)
        gateway.receipt(edge.spool.epoch, 2)
        eventually(lambda: gateway.sequences[1] >= 3)
        gateway.sends_receipts = True
        eventually(lambda: edge.spool.depth == 0)
        assert edge.count("republished_messages_total") >= 2
        assert edge.count("broker_reconnects_total") == 0


def test_queue_limit_of_the_broker_loses_nothing(unique_name: str, tmp_path: Path) -> None:
    """A broker that drops beyond 5 queued messages without a word costs time, not events: they are published again."""
    with (
        MosquittoServer(settings=["max_queued_messages 5", "max_inflight_messages 1"]) as broker,
        running_edge(tmp_path / "s", broker.address, unique_name, retry_s=1.0) as edge,
    ):
        with Gateway(broker.address, unique_name):
            eventually(lambda: edge.publisher.is_connected)
        edge.outbox.accept([crossing(number, node=unique_name) for number in range(60)])
        eventually(lambda: edge.count("published_messages_total") >= 60)
        with Gateway(broker.address, unique_name) as gateway:
            eventually(lambda: gateway.sequences, within_s=10)
            eventually(lambda: edge.spool.depth == 0)
            assert set(gateway.sequences) == set(range(1, 61))
        assert edge.count("republished_messages_total") >= 50, "the broker kept about 6 of 60"


def test_message_larger_than_the_broker_takes_waits_aside(unique_name: str, tmp_path: Path) -> None:
    """It stays in the spool, is never published, and neither holds others up nor costs the connection."""
    with (
        MosquittoServer(settings=["max_packet_size 4000"]) as broker,
        Gateway(broker.address, unique_name) as gateway,
        running_edge(tmp_path / "s", broker.address, unique_name) as edge,
    ):
        edge.outbox.accept([thumbnail(0, node=unique_name, size_bytes=5000), crossing(1, node=unique_name)])
        edge.outbox.accept([thumbnail(2, node=unique_name, size_bytes=2000)])
        eventually(lambda: edge.spool.depth == 1)
        edge.outbox.accept([crossing(3, node=unique_name)])
        eventually(lambda: gateway.sequences == Counter([2, 3, 4]))
        assert edge.count("published_messages_total") == 3
        assert edge.count("broker_reconnects_total") == 0


def test_broker_that_ends_the_connection_over_a_message_gets_the_others(unique_name: str, tmp_path: Path) -> None:
    """A limit that the broker keeps to itself ends the connection each time; events go out all the same."""
    with (
        MosquittoServer(settings=["message_size_limit 3000"]) as broker,
        Gateway(broker.address, unique_name) as gateway,
        running_edge(tmp_path / "s", broker.address, unique_name) as edge,
    ):
        edge.outbox.accept([thumbnail(0, node=unique_name, size_bytes=5000)])
        eventually(lambda: edge.count("broker_reconnects_total") >= 1)
        edge.outbox.accept([crossing(number, node=unique_name) for number in range(1, 11)])
        eventually(lambda: edge.spool.depth == 1)
        assert set(gateway.sequences) == set(range(2, 12))
        eventually(lambda: edge.count("refused_messages_total", reason="disconnect") >= 1)


PUBLISH_UNTIL_KILLED = """
import sys, time
from pathlib import Path
from tests.broker.publisher_rig import WITHIN_S, Edge, Gateway, eventually, running_edge
from tests.broker.publisher_rig import running_edge
with running_edge(Path(sys.argv[1]), sys.argv[2], sys.argv[3]):
    time.sleep(60)
"""


def test_killed_edge_is_offline_by_its_last_will(mqtt_address: str, unique_name: str, tmp_path: Path) -> None:
    """The broker says `offline` for a process that had no chance to say anything."""
    arguments = [sys.executable, "-c", PUBLISH_UNTIL_KILLED, str(tmp_path / "s"), mqtt_address, unique_name]
    with Gateway(mqtt_address, unique_name) as gateway, subprocess.Popen(arguments, cwd=CHECKOUT) as process:
        eventually(lambda: gateway.node_states() == ["online"])
        process.kill()
        process.wait()
        eventually(lambda: gateway.node_states() == ["online", "offline"])


def test_dead_network_thread_is_replaced(mqtt_address: str, unique_name: str, tmp_path: Path) -> None:
    """When paho's thread ends without a report, the watchdog starts a new connection and delivery goes on."""
    with Gateway(mqtt_address, unique_name) as gateway, running_edge(tmp_path / "s", mqtt_address, unique_name) as edge:
        eventually(lambda: edge.publisher.is_connected)
        link = edge.publisher._link
        assert isinstance(link, PahoLink)
        link._client.on_disconnect = None
        link._client._thread_terminate = True
        edge.outbox.accept([crossing(0, node=unique_name)])
        eventually(lambda: edge.count("broker_reconnects_total") == 1, within_s=6)  # silence is noticed after 15 s only
        edge.outbox.accept([crossing(1, node=unique_name)])
        eventually(lambda: edge.spool.depth == 0)
        assert set(gateway.sequences) == {1, 2}
