"""What a request asks for, checked: every refusal names its parameter.

Errors:
    ParameterError   the caller must change the request
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

from starlette.datastructures import QueryParams

from winnow.cloud_sink.store.rows import EventFilter, StoredEvent
from winnow.events import ContractError
from winnow.events.data import DATA_TYPES
from winnow.events.names import check_name

MAX_VALUES: Final = 32
"""Most values of one parameter that may be repeated."""
MAX_POSITION: Final = 2**62

FILTER_PARAMETERS: Final = frozenset({"node", "camera", "label", "kind", "since", "until"})

_LABEL: Final = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,64}")
_WHOLE_NUMBER: Final = re.compile(r"[0-9]{1,19}", re.ASCII)


class ParameterError(Exception):
    """A parameter of a request is unknown or its value is not allowed.

    Attributes:
        parameter: its name.
    """

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def check_known(query: QueryParams, allowed: Iterable[str]) -> None:
    """Return if the query has no parameter outside `allowed`.

    Raises:
        ParameterError: it has one; a typing error must not look like an empty answer.
    """
    names = sorted(allowed)
    for name in query:
        if name not in names:
            raise ParameterError(name[:40], f"unknown; allowed here: {', '.join(names) or 'none'}")


def read_filter(query: QueryParams) -> EventFilter:
    """Return which events the query wants; node, camera, label and kind may be repeated.

    Raises:
        ParameterError: a value is not allowed.
    """
    return EventFilter(
        nodes=_values(query, "node", _name),
        cameras=_values(query, "camera", _name),
        labels=_values(query, "label", _label),
        kinds=_values(query, "kind", _kind),
        since=_moment(query, "since"),
        until=_moment(query, "until"),
    )


def read_number(query: QueryParams, parameter: str, *, default: int, lowest: int, highest: int) -> int:
    """Return a whole number in `lowest..highest`, `default` if it is not given.

    Raises:
        ParameterError: it is something else.
    """
    text = query.get(parameter)
    if text is None:
        return default
    if not _WHOLE_NUMBER.fullmatch(text) or not lowest <= int(text) <= highest:
        raise ParameterError(parameter, f"must be a whole number from {lowest} to {highest}")
    return int(text)


def read_position(query: QueryParams, parameter: str) -> int | None:
    """Return a store position, None if it is not given.

    Raises:
        ParameterError: it is something else.
    """
    if parameter not in query:
        return None
    return read_number(query, parameter, default=0, lowest=0, highest=MAX_POSITION)


def read_choice(query: QueryParams, parameter: str, choices: tuple[str, ...]) -> str:
    """Return one of `choices`, the first if it is not given.

    Raises:
        ParameterError: it is something else.
    """
    value = query.get(parameter, choices[0])
    if value not in choices:
        raise ParameterError(parameter, f"must be one of: {', '.join(choices)}")
    return value


def matches(wanted: EventFilter, event: StoredEvent) -> bool:
    """Return whether a filter lets an event through, as `Store.events` decides it."""
    return (
        (not wanted.nodes or event.node in wanted.nodes)
        and (not wanted.cameras or event.camera in wanted.cameras)
        and (not wanted.labels or event.label in wanted.labels)
        and (not wanted.kinds or event.kind in wanted.kinds)
        and (wanted.since is None or event.time >= wanted.since)
        and (wanted.until is None or event.time < wanted.until)
    )


def _values(query: QueryParams, parameter: str, check: Callable[[str, str], str]) -> tuple[str, ...]:
    values = query.getlist(parameter)
    if len(values) > MAX_VALUES:
        raise ParameterError(parameter, f"given {len(values)} times; {MAX_VALUES} are allowed")
    return tuple(check(parameter, value) for value in values)


def _name(parameter: str, value: str) -> str:
    try:
        return check_name(value)
    except ContractError as exc:
        raise ParameterError(parameter, "must be 1 to 40 of a-z, 0-9 and -, not starting with -") from exc


def _label(parameter: str, value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise ParameterError(parameter, "must be 1 to 64 characters without control characters")
    return value


def _kind(parameter: str, value: str) -> str:
    if value not in DATA_TYPES:
        raise ParameterError(parameter, f"must be one of: {', '.join(DATA_TYPES)}")
    return value


def _moment(query: QueryParams, parameter: str) -> datetime | None:
    text = query.get(parameter)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ParameterError(parameter, "needs a time zone, e.g. 2026-05-01T08:00:00Z")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise ParameterError(parameter, "must be a time like 2026-05-01T08:00:00Z (write + as %2B)") from exc
