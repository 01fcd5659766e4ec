"""What is on its way, and what may follow."""

from random import Random

import pytest

from winnow.events import Receipt
from winnow.pipeline.delivery.flight import FIRST_BYTES
from winnow.pipeline.delivery.window import MAX_BYTES, MAX_MESSAGES, Room, Window


class Steady(Random):
    """No jitter: every random factor is the middle of its range."""

    def uniform(self, a: float, b: float) -> float:
        """Return the middle."""
        return (a + b) / 2


@pytest.fixture
def window() -> Window:
    """Return an empty window without jitter."""
    return Window(Steady())


def fill(window: Window, count: int, *, size_bytes: int = 1000, first: int = 1) -> None:
    """Send messages at time 0."""
    for sequence in range(first, first + count):
        window.sent(sequence, size_bytes, 0.0)


def receipt(*sequences: int, upto: int = 0) -> Receipt:
    """Return a receipt."""
    return Receipt(epoch="e", upto=upto, also=sequences)


def test_window_closes_after_64_messages(window: Window) -> None:
    """Answers of the broker open nothing; receipts do."""
    fill(window, MAX_MESSAGES)
    for sequence in range(1, 65):
        window.taken(sequence, 0.0)
    assert window.room(0.0).messages == 0
    window.receipted(receipt(3, 9, upto=1))
    assert (window.room(0.0).messages, window.room(0.0).alone_bytes) == (3, MAX_BYTES - 61 * 1000)
    assert window.known == frozenset(range(1, 65)) - {1, 3, 9}


def test_window_closes_after_2_mib(window: Window) -> None:
    """However fast the broker answers, what has no receipt is no more than 2 MiB."""
    for sequence in (1, 2):
        window.sent(sequence, MAX_BYTES // 2, 0.0)
        window.taken(sequence, 0.0)
    assert window.room(0.0) == Room(MAX_MESSAGES - 2, 0, 0)


def test_window_leaves_room_for_no_more_than_the_line_carries_soon(window: Window) -> None:
    """What the broker has not answered counts; a message of any size may go when nothing is unanswered."""
    window.sent(1, FIRST_BYTES - 10, 0.0)
    assert window.room(0.0) == Room(MAX_MESSAGES - 1, 10, 0)
    window.taken(1, 8.0)
    room = window.room(8.0)
    assert room.size_bytes < FIRST_BYTES / 4, "eight seconds for so little: a narrow line"
    assert room.alone_bytes == MAX_BYTES - (FIRST_BYTES - 10)


def test_message_without_a_receipt_is_due_after_30_s_then_twice_as_long_up_to_5_minutes(window: Window) -> None:
    """The waits are 30, 60, 120, 240, 300, 300 s."""
    window.sent(1, 1000, 0.0)
    now_s, waits = 0.0, []
    for _ in range(6):
        due_s = window.next_turn_s(now_s)
        assert due_s is not None
        assert (window.due(due_s - 0.001), window.due(due_s)) == ([], [1])
        waits.append(due_s - now_s)
        now_s = due_s
        assert window.sent(1, 1000, now_s), "it repeats an earlier one"
    assert waits == [30, 60, 120, 240, 300, 300]


def test_waits_are_spread_by_chance() -> None:
    """Messages sent together do not become due together."""
    window = Window(Random(1))
    fill(window, 40)
    due_s = sorted(window._entries[sequence].due_at_s for sequence in range(1, 41))
    assert 27 <= due_s[0] < 28.5
    assert 31.5 < due_s[-1] <= 33


def test_longest_waiting_message_is_due_first(window: Window) -> None:
    """Order is that of becoming due, not of sequence."""
    window.sent(5, 1000, 0.0)
    window.sent(2, 1000, 1.0)
    assert window.due(100.0) == [5, 2]


def test_receipted_message_is_never_due(window: Window) -> None:
    """Nothing is left of it."""
    window.sent(1, 1000, 0.0)
    window.receipted(receipt(1))
    assert (window.due(1e6), window.known, window.next_turn_s(0.0)) == ([], frozenset(), None)


def test_repeats_keep_to_the_allowance(window: Window) -> None:
    """While the broker answers nothing, what is due does not pile up on the connection."""
    fill(window, MAX_MESSAGES)
    assert window.may_repeat(40.0) == 0
    window.taken(1, 0.0)
    assert window.may_repeat(40.0) == 1


def test_broker_that_takes_nothing_gets_one_message_after_growing_pauses(window: Window) -> None:
    """The pauses are 0.5, 1, 2, 2, 2, 2 s; the message waits like all others."""
    now_s, pauses = 0.0, []
    for _ in range(6):
        window.sent(1, 1000, now_s)
        window.refused(1, now_s, takes_none=True)
        assert window.known == frozenset()
        assert window.room(now_s).messages == 0
        until_s = window.next_turn_s(now_s)
        assert until_s is not None
        pauses.append(until_s - now_s)
        now_s = until_s
        assert window.room(now_s).messages == 1
    assert pauses == [0.5, 1, 2, 2, 2, 2]


def test_refusals_of_one_volley_pause_once(window: Window) -> None:
    """64 refusals at once are one reason to wait, not 64."""
    fill(window, MAX_MESSAGES)
    for sequence in range(1, 65):
        window.refused(sequence, 0.0, takes_none=True)
    assert window.next_turn_s(0.0) == 0.5


def test_allowance_doubles_with_each_taken_message(window: Window) -> None:
    """1, 2, 4 … 64: a healed broker is at full speed after six answers."""
    window.sent(1, 1000, 0.0)
    window.refused(1, 0.0, takes_none=True)
    seen = []
    for sequence in range(2, 9):
        window.sent(sequence, 1000, 1.0)
        window.taken(sequence, 1.0)
        seen.append(window.room(1.0).messages)
        window.receipted(receipt(sequence))
    assert seen == [2, 4, 8, 16, 32, 63, 63]


def test_refused_message_is_put_off_and_makes_room(window: Window) -> None:
    """It is sent again when it is due; until then others have its place."""
    window.sent(1, 1000, 0.0)
    window.refused(1, 0.0, takes_none=False)
    assert window.known == {1}
    assert window.room(1.0) == Room(1, FIRST_BYTES, MAX_BYTES)
    assert (window.due(29.0), window.due(30.0)) == ([], [1])


def test_everything_is_sent_again_on_the_next_connection(window: Window) -> None:
    """Nothing is known any more, and with all answered the whole window is open."""
    fill(window, 3)
    for sequence in (1, 2, 3):
        window.taken(sequence, 0.0)
    window.start_over(1.0)
    assert window.known == frozenset()
    assert window.room(1.0) == Room(MAX_MESSAGES, FIRST_BYTES, MAX_BYTES)
    assert not window.sent(1, 1000, 1.0), "on this connection it is the first time"


def test_connection_after_one_that_ended_over_messages_begins_carefully(window: Window) -> None:
    """One message at a time until the broker answers."""
    fill(window, 3)
    assert window.start_over(1.0) is None
    assert window.room(1.0).messages == 1


def test_message_that_ended_two_connections_alone_is_put_off(window: Window) -> None:
    """It is named, sits out the next connections for 30 s, and is suspected at once when it does it again."""
    for now_s, culprit in ((0.0, None), (1.0, 7)):
        window.sent(7, 1000, now_s)
        assert window.start_over(now_s) == culprit
    assert window.known == {7}
    window.start_over(2.0)
    assert (window.known, window.due(30.9), window.due(31.0)) == (frozenset({7}), [], [7])
    window.sent(7, 1000, 31.0)
    assert window.start_over(31.0) == 7
    assert (window.due(90.9), window.due(91.0)) == ([], [7])


def test_culprit_that_was_receipted_is_no_suspect(window: Window) -> None:
    """A receipt ends every suspicion."""
    window.sent(7, 1000, 0.0)
    window.start_over(0.0)
    window.receipted(receipt(7))
    window.sent(7, 1000, 1.0)
    assert window.start_over(1.0) is None
