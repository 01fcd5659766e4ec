"""When a batch is closed."""

from winnow.gateway.batching import BatchLimits, OpenBatch

LIMITS = BatchLimits(max_messages=3, max_bytes=100, linger_s=0.5)


def test_empty_batch_waits_for_its_first_message() -> None:
    """Lingering begins with the first message, not with the batch."""
    batch: OpenBatch[str] = OpenBatch(LIMITS)
    assert batch.open_for_s(1000.0) == LIMITS.linger_s


def test_batch_closes_by_number_of_messages() -> None:
    """The third of three closes it, in the order of arrival."""
    batch: OpenBatch[str] = OpenBatch(LIMITS)
    for item in "abc":
        assert batch.open_for_s(0.0) > 0
        batch.add(item, 1, 0.0)
    assert batch.open_for_s(0.0) == 0.0
    assert batch.items == ["a", "b", "c"]


def test_batch_closes_by_bytes() -> None:
    """The message that passes the limit closes the batch and belongs to it."""
    batch: OpenBatch[str] = OpenBatch(LIMITS)
    batch.add("a", 99, 0.0)
    assert batch.open_for_s(0.0) > 0
    batch.add("b", 50, 0.0)
    assert batch.open_for_s(0.0) == 0.0
    assert batch.items == ["a", "b"]


def test_batch_closes_by_the_age_of_its_first_message() -> None:
    """Later messages do not prolong the wait."""
    batch: OpenBatch[str] = OpenBatch(LIMITS)
    batch.add("a", 1, 10.0)
    batch.add("b", 1, 10.4)
    assert batch.open_for_s(10.25) == 0.25
    assert batch.open_for_s(10.5) == 0.0
    assert batch.open_for_s(99.0) == 0.0
