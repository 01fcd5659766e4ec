"""What a request may ask for."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from winnow.cloud_sink.store import EventFilter
from winnow.cloud_sink.testing import MemoryStore, crossing_event
from winnow.cloud_sink.web.parameters import (
    FILTER_PARAMETERS,
    ParameterError,
    check_known,
    matches,
    read_choice,
    read_filter,
    read_number,
    read_position,
)
from winnow.events.kafka import to_kafka

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_filter_reads_every_parameter() -> None:
    """A query may repeat names, labels and kinds, and bounds scene time in any zone."""
    query = QueryParams(
        "node=north&camera=door&camera=gate&label=person&kind=line.crossed"
        "&since=2026-05-01T14:00:00%2B02:00&until=2026-05-01T13:00:00Z"
    )
    assert read_filter(query) == EventFilter(
        nodes=("north",),
        cameras=("door", "gate"),
        labels=("person",),
        kinds=("line.crossed",),
        since=NOON,
        until=NOON + timedelta(hours=1),
    )


def test_filter_without_parameters_wants_everything() -> None:
    """An empty query filters nothing."""
    assert read_filter(QueryParams("")) == EventFilter()


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("node=North", "node"),
        ("camera=", "camera"),
        ("camera=../etc", "camera"),
        ("label=", "label"),
        ("label=a%00b", "label"),
        ("label=" + "x" * 65, "label"),
        ("kind=line.crosed", "kind"),
        ("kind=thumbnail.captured", "kind"),
        ("since=yesterday", "since"),
        ("since=2026-05-01T12:00:00", "since"),
        ("until=2026-05-01T12:00:00+02:00", "until"),
        ("until=0001-01-01T00:00:00%2B14:00", "until"),
        ("&".join(f"label=l{number}" for number in range(33)), "label"),
    ],
)
def test_filter_names_the_parameter_it_refuses(query: str, parameter: str) -> None:
    """A value that cannot be meant is refused, never ignored."""
    with pytest.raises(ParameterError) as refusal:
        read_filter(QueryParams(query))
    assert refusal.value.parameter == parameter


@pytest.mark.parametrize("text", ["0", "501", "-1", "1.0", "", " 5", "\u0665", "1" * 30])
def test_number_outside_its_range_is_refused(text: str) -> None:
    """Only plain digits within the range are a number."""
    with pytest.raises(ParameterError, match="from 1 to 500"):
        read_number(QueryParams({"limit": text}), "limit", default=100, lowest=1, highest=500)


def test_number_defaults_when_absent() -> None:
    """A number that is not given has its default."""
    assert read_number(QueryParams(""), "limit", default=100, lowest=1, highest=500) == 100
    assert read_number(QueryParams("limit=500"), "limit", default=100, lowest=1, highest=500) == 500


def test_position_may_be_absent() -> None:
    """A position that is not given does not bound."""
    assert read_position(QueryParams(""), "after") is None
    assert read_position(QueryParams("after=0"), "after") == 0


def test_choice_names_what_is_allowed() -> None:
    """A choice has a default, and a refusal lists the others."""
    assert read_choice(QueryParams(""), "order", ("newest", "oldest")) == "newest"
    with pytest.raises(ParameterError, match="newest, oldest"):
        read_choice(QueryParams("order=best"), "order", ("newest", "oldest"))


def test_unknown_parameter_is_refused_with_those_allowed() -> None:
    """A typing error in a parameter's name is an error, not an unfiltered answer."""
    with pytest.raises(ParameterError, match="camera, kind, label") as refusal:
        check_known(QueryParams("camra=door"), FILTER_PARAMETERS)
    assert refusal.value.parameter == "camra"


def _some(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2).map(tuple)


FILTERS = st.builds(
    EventFilter,
    nodes=_some(["north", "south"]),
    cameras=_some(["door", "gate"]),
    labels=_some(["person", "car"]),
    kinds=_some(["line.crossed", "object.started"]),
    since=st.none() | st.integers(0, 9).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    until=st.none() | st.integers(0, 9).map(lambda seconds: NOON + timedelta(seconds=seconds)),
)


@pytest.fixture(scope="module")
def store() -> Iterator[MemoryStore]:
    """Return a store with one event of each combination."""
    store = MemoryStore()
    names = [
        (node, camera, label)
        for node in ("north", "south")
        for camera in ("door", "gate")
        for label in ("person", "car")
    ]
    for sequence, (node, camera, label) in enumerate(names, start=1):
        store.write([to_kafka(crossing_event(sequence, node=node, camera=camera, label=label))])
    yield store
    store.close()


@given(wanted=FILTERS)
def test_live_filter_agrees_with_the_store(store: MemoryStore, wanted: EventFilter) -> None:
    """The stream lets through exactly what a query of the store would find."""
    live = [event.position for event in store.events() if matches(wanted, event)]
    assert live == [event.position for event in store.events(wanted)]
