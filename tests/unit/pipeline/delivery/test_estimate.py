"""What a replay says it would send is what a publisher sends."""

from typing import TYPE_CHECKING

import pytest

from tests.unit.pipeline.delivery.test_publisher import Bench
from winnow.pipeline.delivery.estimate import WireEstimate
from winnow.pipeline.delivery.link import Connected
from winnow.pipeline.delivery.packing import Packing
from winnow.pipeline.delivery.testing import crossing, thumbnail

if TYPE_CHECKING:
    from winnow.events import Event, Thumbnail


def test_estimate_is_what_the_publisher_counts() -> None:
    """The same messages, accepted in the same order, take the same bytes; only the epoch's name is shorter here."""
    estimate, bench = WireEstimate("shop-1", wait_s=0), Bench(Packing("shop-1", wait_s=0))
    bench.publisher.run_once()
    bench.link.report(Connected(topic_alias_maximum=10))
    bench.publisher.run_once()
    for number in range(20):
        together: list[Event | Thumbnail] = [crossing(number)]
        if number % 3 == 0:
            together.append(thumbnail(number))
        bench.spool.append(together)
        bench.publisher.run_once()
        estimate.note(together)
    sent_bytes = bench.publisher.wire.of("door").total
    assert estimate.total_bytes() == pytest.approx(sent_bytes, rel=0.03)


def test_pictures_wait_for_an_event_that_takes_them_along() -> None:
    """A picture by itself costs a packet of its own, one that waited does not."""
    together, apart = WireEstimate("shop-1", wait_s=0.8), WireEstimate("shop-1", wait_s=0.8)
    together.note([thumbnail(0)])
    together.note([crossing(1)])
    apart.note([thumbnail(0)])
    apart.total_bytes()
    apart.note([crossing(1)])
    assert together.total_bytes() < apart.total_bytes()


def test_nothing_takes_nothing() -> None:
    """No packet without a message."""
    estimate = WireEstimate("shop-1", wait_s=0.8)
    estimate.note([])
    assert estimate.total_bytes() == 0
