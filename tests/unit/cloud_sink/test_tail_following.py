"""What tail shows, in which order, and how often."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from winnow.cloud_sink.tail.following import Plan, Tail
from winnow.cloud_sink.tail.selection import Seen, Selection, expand_kinds, parse_duration
from winnow.cloud_sink.tail.testing import FakeSource
from winnow.cloud_sink.testing import crossing_event
from winnow.runtime.testing import ManualClock

E = {n: crossing_event(n, label="person" if n % 2 else "car", camera="door" if n < 4 else "yard") for n in range(1, 9)}
ALL = Selection()


def _run(
    past: Iterable[int] = (),
    coming: Iterable[Sequence[int]] = (),
    *,
    selection: Selection = ALL,
    lines: int | None = None,
    follow: bool = True,
) -> tuple[list[int], list[str]]:
    """Return the sequences that were shown and the notices; each step of what comes takes one second."""
    clock = ManualClock()
    shown: list[int] = []
    notices: list[str] = []
    source = FakeSource(
        [E[n] for n in past], [[E[n] for n in step] for step in coming], on_step=lambda: clock.advance(1)
    )
    plan = Plan(selection=selection, lines=lines, follow=follow)
    asyncio.run(
        Tail(
            source,
            plan,
            show=lambda event: shown.append(int(str(event.subject).partition("/")[2])),
            notice=notices.append,
            clock=clock,
        ).run()
    )
    assert not source.is_open
    return shown, notices


def test_tail_shows_the_past_and_then_what_comes_once() -> None:
    """The past comes oldest first, then what comes; nothing is shown twice."""
    assert _run([3, 1, 2], [[3, 4], [], [4, 5, 5]]) == ([1, 2, 3, 4, 5], [])


def test_tail_shows_only_the_newest_lines_of_the_past() -> None:
    """`lines` limits the past and not what comes; 0 shows none of it."""
    assert _run([1, 2, 3, 4], [[5, 6]], lines=2)[0] == [3, 4, 5, 6]
    assert _run([1, 2, 3, 4], [[5]], lines=0)[0] == [5]


def test_tail_without_follow_ends_after_the_past() -> None:
    """Without follow nothing that comes is shown, and an empty past is told."""
    assert _run([1], [[2]], follow=False) == ([1], [])
    assert _run([], [[2]], follow=False) == ([], ["nothing to show in the fake; -f waits for what comes"])


def test_tail_says_once_what_it_waits_for() -> None:
    """After three seconds of nothing a notice names the source, and never again."""
    assert _run([], [[], []]) == ([], [])
    assert _run([], [[], [], [], [], []]) == ([], ["waiting for events from the fake; Ctrl-C ends this"])
    assert _run([1], [[], [], [], [], []])[1] == []


@pytest.mark.parametrize(
    ("selection", "shown"),
    [
        (Selection(cameras=["yard"]), [4, 5, 6, 7, 8]),
        (Selection(cameras=["north/door"]), [1, 2, 3]),
        (Selection(cameras=["south/door"]), []),
        (Selection(labels=["car"], cameras=["door"]), [2]),
        (Selection(kinds=("zone.entered",)), []),
        (Selection(since=datetime(2026, 5, 1, 12, 0, 7, tzinfo=UTC)), [7, 8]),
    ],
)
def test_tail_shows_what_is_selected(selection: Selection, shown: list[int]) -> None:
    """The same selection holds for the past and for what comes."""
    assert _run(range(1, 9), selection=selection)[0] == shown
    assert _run([], [range(1, 9)], selection=selection)[0] == shown


def test_seen_forgets_only_the_oldest() -> None:
    """Memory is bounded: beyond the limit the oldest is forgotten."""
    seen = Seen(limit=2)
    assert [seen.is_new(E[n]) for n in (1, 2, 2, 3, 2, 1)] == [True, True, False, True, False, True]


def test_kinds_expand_and_mistakes_are_told() -> None:
    """A first word stands for all its kinds; a mistake is answered with the likeliest kind."""
    assert expand_kinds(["zone", "zone.entered"]) == ("zone.entered", "zone.exited", "zone.dwelled", "zone.occupancy")
    with pytest.raises(ValueError, match=r"did you mean line\.crossed"):
        expand_kinds(["line.cros"])


@pytest.mark.parametrize(("text", "duration"), [("30s", 30), ("10m", 600), ("2h", 7200), ("7d", 604800)])
def test_durations_are_read(text: str, duration: int) -> None:
    """Seconds, minutes, hours and days."""
    assert parse_duration(text) == timedelta(seconds=duration)


@pytest.mark.parametrize("text", ["", "5", "m", "-1m", "1.5h", "1 m", "9999999d", "\u0661m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Anything else is refused with an example."""
    with pytest.raises(ValueError, match="write 30s"):
        parse_duration(text)
