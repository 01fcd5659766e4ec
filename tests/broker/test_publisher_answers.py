"""The publisher and a broker that answers strangely: refusals, codes that do not exist, silence.

Each of these guards was taken away once, and its test seen to fail.
"""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.broker.publisher_rig import eventually, running_edge
from tests.broker.scripted_broker import ScriptedBroker
from tests.faults.proxy import TcpProxy
from winnow.events.mqtt import MqttMessage
from winnow.events.topics import commands_topic, receipts_topic
from winnow.pipeline.delivery.link import Connected, Ended
from winnow.pipeline.delivery.paho_link import CONNECT_WITHIN_S, SILENT_KEEPALIVES, PahoLink
from winnow.pipeline.delivery.testing import crossing, thumbnail
from winnow.runtime.mqtt import MqttSettings
from winnow.runtime.testing import ManualClock

NODE = "shop-1"
KEEPALIVE_S = 5
OFFLINE = MqttMessage(topic="winnow/v1/shop-1/status", payload=b"{}", content_type="", user_properties=())
LinkTo = Callable[[ScriptedBroker], PahoLink]


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock of the links."""
    return ManualClock()


@pytest.fixture
def link_to(clock: ManualClock) -> Iterator[LinkTo]:
    """Return what starts a link; it is closed afterwards."""
    links: list[PahoLink] = []

    def start(broker: ScriptedBroker) -> PahoLink:
        settings = MqttSettings(url=f"mqtt://{broker.address}", keepalive_s=KEEPALIVE_S)
        links.append(
            PahoLink(
                settings,
                client_id="winnow-edge-shop-1",
                receipts_topic=receipts_topic(NODE),
                commands_topic=commands_topic(NODE),
                will=OFFLINE,
                wake=lambda: None,
                clock=clock,
            )
        )
        return links[-1]

    yield start
    for link in links:
        link.close(orderly=False)


@pytest.mark.parametrize(
    ("code", "reason"),
    [(0x87, "not_authorized"), (0x10, "no_subscriber"), (0x97, "quota"), (0x80, "other"), (0x99, "other")],
)
def test_refused_publish_stays_in_the_spool_and_is_counted(code: int, reason: str, tmp_path: Path) -> None:
    """Paho reports each of these as published; the reason code decides, and nothing is taken for delivered."""
    with (
        ScriptedBroker(lambda topic: code if "/events/" in topic else 0) as broker,
        running_edge(tmp_path / "s", broker.address, NODE) as edge,
    ):
        edge.outbox.accept([crossing(0, node=NODE)])
        eventually(lambda: edge.count("refused_messages_total", reason=reason) >= 1)
        assert edge.spool.depth == 1
        assert edge.publisher._sending.window.is_wary, "one message at a time until the broker takes something"


@pytest.mark.parametrize("code", [0x95, 0xEE], ids=["packet-too-large", "of-no-standard"])
def test_answer_that_paho_cannot_read_costs_a_connection_and_nothing_else(code: int, tmp_path: Path) -> None:
    """The message whose PUBACK has an unknown code is put off after the second time, and others are delivered.

    paho 2.2 ends the connection over such a code; 2.1 ends its thread without a word, and then the watchdog makes a new
    client (see `test_dead_network_thread_is_replaced`).
    """
    with (
        ScriptedBroker(lambda topic: code if "/thumbnails/" in topic else 0) as broker,
        running_edge(tmp_path / "s", broker.address, NODE) as edge,
    ):
        edge.outbox.accept([thumbnail(0, node=NODE)])
        eventually(lambda: broker.connections >= 3)
        eventually(lambda: edge.count("refused_messages_total", reason="disconnect") >= 1)
        edge.outbox.accept([crossing(1, node=NODE)])
        eventually(lambda: any("/events/" in topic for topic in broker.published))
        assert edge.spool.depth == 2


def test_link_that_hears_nothing_is_at_fault(link_to: LinkTo, clock: ManualClock) -> None:
    """Whatever paho thinks of it: after three keepalives without a packet, PINGRESP included, it is given up."""
    with ScriptedBroker() as broker:
        broker.answers_ping = False
        link = link_to(broker)
        eventually(lambda: any(isinstance(report, Connected) for report in link.reports()))
        clock.advance(SILENT_KEEPALIVES * KEEPALIVE_S - 0.1)
        assert link.fault() is None
        clock.advance(0.2)
        assert link.fault() == "nothing heard from the broker"


def test_link_that_hears_pingresp_is_not_at_fault(link_to: LinkTo, clock: ManualClock) -> None:
    """An idle connection is alive as long as the broker answers pings."""
    with ScriptedBroker() as broker:
        link = link_to(broker)
        eventually(lambda: any(isinstance(report, Connected) for report in link.reports()))
        clock.advance(SILENT_KEEPALIVES * KEEPALIVE_S + 1)
        eventually(lambda: link.fault() is None, within_s=3 * KEEPALIVE_S)


def test_link_whose_connect_is_not_answered_is_at_fault(link_to: LinkTo, clock: ManualClock) -> None:
    """A listener that accepts and says nothing, as behind a broken load balancer, is left after ten seconds."""
    with ScriptedBroker() as broker:
        broker.answers_connect = False
        link = link_to(broker)
        clock.advance(CONNECT_WITHIN_S - 0.1)
        assert link.fault() is None
        clock.advance(0.2)
        assert link.fault() == "no answer to CONNECT"


def test_exception_in_a_callback_ends_the_connection_not_the_thread(
    link_to: LinkTo, expects_error_log: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged and reported; paho's thread goes on, so nothing hangs."""
    with ScriptedBroker() as broker:
        link = link_to(broker)
        eventually(lambda: any(isinstance(report, Connected) for report in link.reports()))
        failures = iter([True])

        def fail_once(*_: object) -> None:
            if next(failures, False):
                raise RuntimeError("a defect of ours")

        monkeypatch.setattr(link, "_wake", fail_once)
        broker.send(receipts_topic(NODE), b"{}")
        eventually(lambda: Ended("a callback failed") in link.reports())
        assert link._network is not None
        assert link._network.is_alive()
    assert expects_error_log


@pytest.mark.parametrize("how", ["black hole", "silent listener"])
def test_stop_ends_in_time_on_a_dead_line(how: str, tmp_path: Path) -> None:
    """Nothing comes back, or nobody ever answered: the deadline and two seconds, and everything is kept."""
    with (
        ScriptedBroker() as broker,
        TcpProxy(int(broker.address.rpartition(":")[2])) as line,
        running_edge(tmp_path / "s", line.address, NODE) as edge,
    ):
        if how == "silent listener":
            broker.answers_connect = False
        else:
            eventually(lambda: edge.publisher.is_connected)
            line.black_hole()
        edge.outbox.accept([crossing(number, node=NODE) for number in range(10)])
        began_s = time.monotonic()
        edge.publisher.stop(1.0)
        assert time.monotonic() - began_s < 3.5
        assert edge.spool.depth == 10
