"""Up to when everything was read."""

from datetime import UTC, datetime, timedelta

from winnow.cloud_sink.catching_up import CatchingUp, Reading

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Return a time."""
    return START + timedelta(seconds=seconds)


def reading(position: int, end: int, seconds: float) -> Reading:
    """Return what one partition is like at a time."""
    return Reading(position=position, end=end, told_at=at(seconds))


def test_reader_at_the_end_is_up_to_date() -> None:
    """Nothing waits: everything up to now was read."""
    progress = CatchingUp()
    assert progress.note({"a": reading(5, 5, 0), "b": reading(0, 0, 1)}) == at(0)
    assert progress.note({"a": reading(5, 5, 2), "b": reading(0, 0, 3)}) == at(2)


def test_steady_stream_does_not_hide_what_was_read() -> None:
    """A reader that always has a few records before it has read all that came before those."""
    progress = CatchingUp()
    told = [progress.note({"a": reading(10 * second, 10 * second + 3, second)}) for second in range(5)]
    assert told == [None, at(0), at(1), at(2), at(3)]


def test_partitions_that_are_never_at_their_end_together_count() -> None:
    """One is read while the other has just got more."""
    progress = CatchingUp()
    progress.note({"a": reading(1, 1, 0), "b": reading(0, 2, 0)})
    assert progress.note({"a": reading(1, 4, 1), "b": reading(2, 2, 1)}) == at(0)
    assert progress.note({"a": reading(4, 4, 2), "b": reading(2, 5, 2)}) == at(1)


def test_backlog_is_not_read_before_its_end() -> None:
    """As long as a record that waited at the mark is not read, time stands still; what comes later does not matter."""
    progress = CatchingUp()
    assert progress.note({"a": reading(0, 1000, 0)}) is None
    assert progress.note({"a": reading(999, 1500, 5)}) is None
    assert progress.note({"a": reading(1000, 2000, 9)}) == at(0)
    assert progress.note({"a": reading(1999, 3000, 12)}) == at(0)
    assert progress.note({"a": reading(2000, 3000, 13)}) == at(9)


def test_kafka_that_does_not_answer_lets_time_stand_still() -> None:
    """Being at an end that was told long ago says nothing of now."""
    progress = CatchingUp()
    progress.note({"a": reading(5, 5, 0)})
    assert progress.note({"a": reading(5, 5, 0)}) == at(0)


def test_new_partition_has_to_be_read_and_one_that_is_gone_has_not() -> None:
    """Partitions come and go as sinks do."""
    progress = CatchingUp()
    assert progress.note({}) is None
    progress.note({"a": reading(5, 5, 0)})
    assert progress.note({"a": reading(5, 5, 1), "b": reading(0, 9, 1)}) is None
    assert progress.note({"a": reading(5, 5, 2)}) == at(2)
    assert progress.note({"a": reading(5, 5, 3), "b": reading(9, 9, 3)}) == at(3)
