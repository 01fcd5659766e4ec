"""Handing messages over."""

import logging

from prometheus_client import CollectorRegistry

from winnow.pipeline.delivery import DeliveryMetrics, SpoolOutbox
from winnow.pipeline.delivery.testing import MemorySpool, crossing, thumbnail
from winnow.runtime.testing import ManualClock


def test_accepted_messages_are_spooled_and_the_publisher_is_told() -> None:
    """Depth and size are the spool's."""
    spool = MemorySpool(node="shop-1", clock=ManualClock())
    told: list[int] = []
    outbox = SpoolOutbox(spool, notify=lambda: told.append(spool.depth), metrics=DeliveryMetrics(CollectorRegistry()))
    outbox.accept([crossing(0), thumbnail(0)])
    assert told == [2], "after they are in"
    assert (outbox.depth, outbox.size_bytes) == (2, spool.size_bytes)


def test_full_spool_costs_messages_not_the_camera(expects_error_log: list[logging.LogRecord]) -> None:
    """What could not be accepted is logged as an error and counted; nothing is raised."""
    spool = MemorySpool(node="shop-1", clock=ManualClock(), max_bytes=100)
    registry = CollectorRegistry()
    outbox = SpoolOutbox(spool, notify=lambda: None, metrics=DeliveryMetrics(registry))
    outbox.accept([crossing(0), crossing(1)])
    assert spool.depth == 0
    assert vars(expects_error_log[0])["messages"] == 2
    assert registry.get_sample_value("winnow_dropped_messages_total", {"reason": "full"}) == 2


def test_gauges_follow_the_spool() -> None:
    """Depth and size are read when they are scraped."""
    spool = MemorySpool(node="shop-1", clock=ManualClock())
    registry = CollectorRegistry()
    DeliveryMetrics(registry).watch(spool)
    spool.append([crossing(0)])
    assert registry.get_sample_value("winnow_spool_depth_messages") == 1
    assert registry.get_sample_value("winnow_spool_size_bytes") == spool.size_bytes
