"""What goes first, what is given up first, what is live."""

from winnow.events.data import DATA_TYPES
from winnow.events.thumbnail import THUMBNAIL_KIND
from winnow.pipeline.delivery.live import LiveMark
from winnow.pipeline.delivery.priority import KeepClass, SendClass, priority_of


def test_every_kind_has_a_place_in_both_orders() -> None:
    """A new kind in the contract needs a decision here."""
    for kind in (*DATA_TYPES, THUMBNAIL_KIND):
        assert priority_of(kind)


def test_changes_and_rules_go_first_then_updates_then_thumbnails() -> None:
    """The order of sending."""
    first = {kind for kind in DATA_TYPES if priority_of(kind).send == SendClass.CHANGE}
    assert set(DATA_TYPES) - first == {"object.updated", "node.stats"}
    assert priority_of("object.updated").send == SendClass.UPDATE
    assert priority_of(THUMBNAIL_KIND).send == SendClass.THUMBNAIL


def test_ends_rules_and_health_are_given_up_last() -> None:
    """The order of giving up; tombstones are beyond it."""
    order = [THUMBNAIL_KIND, "object.updated", "object.started", "object.ended", "spool.dropped"]
    assert [priority_of(kind).keep for kind in order] == sorted(KeepClass)
    for kind in ("line.crossed", "zone.dwelled", "camera.offline", "sequence.completed"):
        assert priority_of(kind).keep == KeepClass.RECORD


def test_message_is_live_for_five_seconds() -> None:
    """What waited when the process began is backlog; what came since is live until it is five seconds old."""
    mark = LiveMark(100)
    for last_sequence, now_s, after in [(100, 0, 100), (110, 2, 100), (110, 4.9, 100), (120, 7, 110), (120, 100, 120)]:
        mark.note(last_sequence, now_s)
        assert mark.after == after


def test_mark_of_live_messages_takes_no_more_than_eleven_notes() -> None:
    """However often it is asked, it remembers one sequence per half second."""
    mark = LiveMark(0)
    for turn in range(10_000):
        mark.note(turn, turn * 0.01)
    assert len(mark._seen) <= 11
