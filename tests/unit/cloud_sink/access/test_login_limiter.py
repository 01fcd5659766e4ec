"""How often somebody may try."""

import pytest

from winnow.cloud_sink.access.limiter import (
    MAX_KEYS,
    TRIES_OF_ADDRESS,
    TRIES_OF_NAME,
    TRIES_OF_PAIR,
    WINDOW_S,
    LoginLimiter,
)
from winnow.runtime.testing import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """Return the limiter's clock."""
    return ManualClock()


def test_one_address_has_five_tries_for_a_name(clock: ManualClock) -> None:
    """Then it waits for the window to move; other names and other addresses go on."""
    limiter = LoginLimiter(clock)
    assert [limiter.begin("a", "alice") for _ in range(TRIES_OF_PAIR)] == [0] * TRIES_OF_PAIR
    assert limiter.begin("a", "alice") == WINDOW_S
    assert limiter.begin("a", "bob") == 0
    assert limiter.begin("b", "alice") == 0
    clock.advance(WINDOW_S - 1)
    assert limiter.begin("a", "alice") == pytest.approx(1)
    clock.advance(1)
    assert limiter.begin("a", "alice") == 0


def test_one_address_has_twenty_tries_with_all_names(clock: ManualClock) -> None:
    """Going through names does not help."""
    limiter = LoginLimiter(clock)
    waits = [limiter.begin("a", f"name{number}") for number in range(TRIES_OF_ADDRESS + 1)]
    assert waits == [0] * TRIES_OF_ADDRESS + [WINDOW_S]


def test_one_name_has_a_hundred_tries_from_everywhere(clock: ManualClock) -> None:
    """Many addresses do not help."""
    limiter = LoginLimiter(clock)
    waits = [limiter.begin(f"address{number}", "alice") for number in range(TRIES_OF_NAME + 1)]
    assert waits == [0] * TRIES_OF_NAME + [WINDOW_S]


def test_good_login_counts_for_nobody(clock: ManualClock) -> None:
    """Somebody who knows the password is never locked out by using it."""
    limiter = LoginLimiter(clock)
    for _ in range(3 * TRIES_OF_NAME):
        assert limiter.begin("a", "alice") == 0
        limiter.succeeded("a", "alice")


def test_memory_is_bounded(clock: ManualClock) -> None:
    """The oldest is forgotten first."""
    limiter = LoginLimiter(clock)
    for number in range(MAX_KEYS):
        limiter.begin(f"address{number}", f"name{number}")
    assert len(limiter._failures) <= MAX_KEYS
