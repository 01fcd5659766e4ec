"""Topics by number: told once a connection, never more of them than the broker keeps, never for what is sent again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pipeline.delivery.test_publisher import Bench
from winnow.events.topics import batch_topic, events_topic
from winnow.pipeline.delivery.aliases import Alias, TopicAliases
from winnow.pipeline.delivery.link import Connected
from winnow.pipeline.delivery.packing import single
from winnow.pipeline.delivery.testing import FakeLink, crossing
from winnow.pipeline.delivery.wire import publish_bytes, shares_with_alias

BATCH = batch_topic("shop-1")


@given(st.integers(0, 5), st.lists(st.sampled_from("abcdefg"), max_size=40))
def test_broker_can_always_tell_the_topic(maximum: int, topics: list[str]) -> None:
    """Whatever goes by a number alone went with the same number and its topic before, and no number is too high."""
    aliases, broker = TopicAliases(maximum, first="a"), dict[int, str]()
    for topic in topics:
        alias = aliases.take(topic)
        if alias is not None:
            assert 1 <= alias.number <= maximum
            told = broker.get(alias.number) if alias.is_known else broker.setdefault(alias.number, topic)
            assert told == topic


def test_batches_always_have_a_number() -> None:
    """A node with more cameras than the broker has numbers still sends its batches by number."""
    aliases = TopicAliases(2, first=BATCH)
    assert aliases.take(events_topic("shop-1", "door")) == Alias(2, is_known=False)
    assert aliases.take(events_topic("shop-1", "yard")) is None
    assert aliases.take(BATCH) == Alias(1, is_known=False)
    assert aliases.take(BATCH) == Alias(1, is_known=True)


def _connected(bench: Bench, maximum: int) -> FakeLink:
    bench.publisher.run_once()
    bench.link.report(Connected(topic_alias_maximum=maximum))
    bench.publisher.run_once()
    return bench.link


def _numbers(link: FakeLink) -> list[Alias | None]:
    events = events_topic("shop-1", "door")
    return [alias for (message, _), alias in zip(link.published, link.aliases, strict=True) if message.topic == events]


def test_number_is_told_once_a_connection() -> None:
    """The first event carries the topic too; after a lost connection the broker has forgotten, and is told again."""
    bench = Bench()
    link = _connected(bench, 10)
    bench.spool.append([crossing(0), crossing(1)])
    bench.publisher.run_once()
    assert _numbers(link) == [Alias(2, is_known=False), Alias(2, is_known=True)]


def test_broker_without_numbers_gets_topics() -> None:
    """A broker that names no maximum takes none."""
    bench = Bench()
    link = _connected(bench, 0)
    bench.spool.append([crossing(0)])
    bench.publisher.run_once()
    assert _numbers(link) == [None]


def test_what_is_sent_again_has_its_topic() -> None:
    """A message without a receipt goes by its full topic: a broker that mixes numbers up loses nothing."""
    bench = Bench()
    link = _connected(bench, 10)
    bench.spool.append([crossing(0)])
    bench.publisher.run_once()
    bench.after(60.0)
    assert _numbers(link) == [Alias(2, is_known=False), None]


def test_connection_after_a_loss_goes_by_topics_at_first() -> None:
    """The broker may have ended the connection over a number: the next connection feels its way without any."""
    bench = Bench()
    link = _connected(bench, 10)
    bench.spool.append([crossing(0), crossing(1)])
    bench.publisher.run_once()
    link.wrong = "gone"
    bench.publisher.run_once()
    bench.clock.advance(6.0)
    link = _connected(bench, 10)
    assert _numbers(link)[:1] == [None]


@pytest.mark.parametrize("is_known", [False, True])
def test_accounts_know_what_a_number_costs_and_saves(*, is_known: bool) -> None:
    """Three bytes for the number; once it is known, none for the topic. Shares are exactly the packet."""
    spool = Bench().spool
    spool.append([crossing(0)])
    packet = single(spool.read([1])[0])
    alias = Alias(1, is_known=is_known)
    (share,) = shares_with_alias(packet.shares, packet.mqtt, alias)
    topic_bytes = len(packet.mqtt.topic) if is_known else 0
    assert share.size_bytes == publish_bytes(packet.mqtt, alias)
    assert share.size_bytes == packet.shares[0].size_bytes + 3 - topic_bytes
