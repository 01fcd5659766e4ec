"""How much may be on its way: a line in arithmetic, wide or narrow, near or far."""

import pytest

from winnow.pipeline.delivery.flight import FIRST_BYTES, LEAST_BYTES, QUEUE_S, Flight

MIB = 1024 * 1024
MESSAGE_BYTES = 4000


def sent_over(flight: Flight, *, bytes_per_s: float, far_s: float, seconds: float) -> tuple[float, float]:
    """Send 4 kB messages for as long as there is room, over a line that carries them one after the other.

    Returns:
        The longest wait in front of the line in the last half of the time, and the bytes a second that were answered.
    """
    now_s, free_at_s, number, answered = 0.0, 0.0, 0, 0
    answers: list[tuple[float, int]] = []
    waits_s: list[float] = []
    while now_s < seconds:
        while flight.room_bytes >= MESSAGE_BYTES or flight.is_empty:
            number += 1
            flight.sent(number, MESSAGE_BYTES, now_s)
            waits_s += [max(0.0, free_at_s - now_s)] if now_s > seconds / 2 else []
            free_at_s = max(free_at_s, now_s) + MESSAGE_BYTES / bytes_per_s
            answers.append((free_at_s + far_s, number))
        now_s, sequence = answers.pop(0)
        flight.answered(sequence, now_s)
        answered += MESSAGE_BYTES
    return max(waits_s), answered / now_s


@pytest.mark.parametrize("far_s", [0.002, 0.6], ids=["near", "satellite"])
@pytest.mark.parametrize("bytes_per_s", [32_000, 500_000, 50_000_000], ids=["256-kbit", "4-mbit", "loopback"])
def test_flight_keeps_the_wait_short_and_the_line_busy(bytes_per_s: int, far_s: float) -> None:
    """Whatever comes next waits about half a second at most; at least two thirds of the line are used."""
    flight = Flight(2 * MIB)
    wait_s, per_s = sent_over(flight, bytes_per_s=bytes_per_s, far_s=far_s, seconds=30)
    assert wait_s < QUEUE_S * 1.5
    assert per_s > min(bytes_per_s, 2 * MIB / far_s) * 2 / 3


def test_flight_of_a_line_that_was_wide_shrinks_with_the_first_late_answer() -> None:
    """The limit is what the line carries now, not half of what it carried once."""
    flight = Flight(2 * MIB)
    for number in range(6):
        flight.sent(number, flight.room_bytes, number)
        flight.answered(number, number + 0.01)
    assert flight.room_bytes == 2 * MIB
    flight.sent(7, 40_000, 10.0)
    flight.answered(7, 12.0)
    assert flight.room_bytes == pytest.approx(40_000 * (0.01 + QUEUE_S) / 2.0, rel=0.01)


def test_flight_grows_only_while_it_is_used() -> None:
    """A thousand quick answers to single small messages say nothing of what the line would carry."""
    flight = Flight(2 * MIB)
    for number in range(1000):
        flight.sent(number, 1000, number)
        flight.answered(number, number + 0.01)
    assert flight.room_bytes == FIRST_BYTES


def test_flight_never_shrinks_to_nothing() -> None:
    """After an answer that took a minute there is still room for events."""
    flight = Flight(2 * MIB)
    flight.sent(1, 100, 0.0)
    flight.answered(1, 60.0)
    assert flight.room_bytes == LEAST_BYTES


def test_flight_counts_a_message_that_is_sent_again_once() -> None:
    """Its former bytes are not awaited any more; forgotten ones are not either."""
    flight = Flight(2 * MIB)
    flight.sent(1, 1000, 0.0)
    flight.sent(1, 1000, 30.0)
    assert flight.room_bytes == FIRST_BYTES - 1000
    flight.forget(1)
    flight.answered(1, 31.0)
    assert (flight.room_bytes, flight.is_empty) == (FIRST_BYTES, True)
