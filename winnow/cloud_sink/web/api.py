"""The JSON API: one function a resource. They block on the store, so Starlette runs them on its worker threads."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from winnow.cloud_sink.gap_alarm import proven
from winnow.cloud_sink.store.rows import EventFilter, HourCount
from winnow.cloud_sink.store.store import DEFAULT_LATENESS_S, Store
from winnow.cloud_sink.web.parameters import (
    FILTER_PARAMETERS,
    check_known,
    read_choice,
    read_filter,
    read_number,
    read_position,
)
from winnow.cloud_sink.web.pictures import PictureError, encoded_anew
from winnow.cloud_sink.web.representation import (
    CameraPage,
    CountPage,
    NodePage,
    bandwidth_view,
    encode,
    event_page,
    gap_page,
)
from winnow.runtime.clock import Clock

DEFAULT_EVENTS: Final = 100
MAX_EVENTS: Final = 500
DEFAULT_HOURS: Final = 24
MAX_HOURS: Final = 31 * 24

_HOUR: Final = timedelta(hours=1)
_THUMBNAIL_ID: Final = re.compile(r"[0-9a-f]{64}")
_ONE_YEAR_S: Final = 365 * 24 * 3600


class Api:
    """Answers from a store.

    Args:
        store: what is shown; it must allow several threads at once.
        clock: says which hour it is.
        lateness_s: how long a missing sequence may be on its way before it is shown as a gap.
        caught_up_at: says up to when everything that was sent to the store is in it; None while nobody knows. What is
            missing later than that may be on its way, and is no gap. Default: now, for a store that is written at once.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        lateness_s: float = DEFAULT_LATENESS_S,
        caught_up_at: Callable[[], datetime | None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lateness_s = lateness_s
        self._caught_up_at = caught_up_at or clock.now

    def events(self, request: Request) -> Response:
        """Return events, newest first unless `order=oldest`; `after` and `before` page through positions."""
        query = request.query_params
        check_known(query, FILTER_PARAMETERS | {"after", "before", "limit", "order"})
        found = self._store.events(
            read_filter(query),
            after=read_position(query, "after"),
            before=read_position(query, "before"),
            limit=read_number(query, "limit", default=DEFAULT_EVENTS, lowest=1, highest=MAX_EVENTS),
            newest_first=read_choice(query, "order", ("newest", "oldest")) == "newest",
        )
        return json_response(event_page(found))

    def counts(self, request: Request) -> Response:
        """Return events an hour and label over the last `hours`, the running one included.

        Where nothing happened in that time (footage that is replayed with its own old times), the hours end with the
        newest one that has events.
        """
        query = request.query_params
        check_known(query, FILTER_PARAMETERS - {"since", "until"} | {"hours"})
        wanted = read_filter(query)
        hours = read_number(query, "hours", default=DEFAULT_HOURS, lowest=1, highest=MAX_HOURS)
        until = _hour_of(self._clock.now()) + _HOUR
        counts = self._counts(wanted, until, hours)
        if not counts:
            newest = max((count.hour for count in self._store.counts_per_hour(wanted)), default=None)
            if newest is not None:
                until = newest + _HOUR
                counts = self._counts(wanted, until, hours)
        return json_response(CountPage(since=until - hours * _HOUR, until=until, counts=counts))

    def nodes(self, request: Request) -> Response:
        """Return every node with its state."""
        check_known(request.query_params, ())
        return json_response(NodePage(nodes=self._store.nodes()))

    def cameras(self, request: Request) -> Response:
        """Return every camera with its state."""
        check_known(request.query_params, ())
        return json_response(CameraPage(cameras=self._store.cameras()))

    def bandwidth(self, request: Request) -> Response:
        """Return bytes in, bytes out and the factor between them."""
        check_known(request.query_params, ())
        return json_response(bandwidth_view(self._store.bandwidth()))

    def gaps(self, request: Request) -> Response:
        """Return what is missing, newest first."""
        check_known(request.query_params, ())
        caught_up_at = self._caught_up_at()  # before the gaps: what fills one may be stored in between
        overdue = self._store.gaps(self._lateness_s)
        return json_response(gap_page(overdue, proven(overdue, caught_up_at, self._lateness_s)))

    def thumbnail(self, request: Request) -> Response:
        """Return a picture, encoded anew; its name depends on its content, so a browser may keep it."""
        thumbnail_id = request.path_params["thumbnail_id"]
        jpeg = self._store.thumbnail(thumbnail_id) if _THUMBNAIL_ID.fullmatch(thumbnail_id) else None
        if jpeg is None:
            return error_response(404, "there is no such thumbnail")
        try:
            jpeg = encoded_anew(jpeg)
        except PictureError as exc:
            return error_response(404, str(exc))
        caching = {"Cache-Control": f"private, max-age={_ONE_YEAR_S}, immutable"}
        return Response(jpeg, media_type="image/jpeg", headers=caching)

    def _counts(self, wanted: EventFilter, until: datetime, hours: int) -> list[HourCount]:
        return self._store.counts_per_hour(replace(wanted, since=until - hours * _HOUR, until=until))


def json_response(value: object, status_code: int = 200) -> Response:
    """Return `value` as a JSON answer that nobody keeps."""
    return Response(encode(value), status_code, media_type="application/json", headers={"Cache-Control": "no-store"})


def error_response(status_code: int, message: str, parameter: str | None = None) -> Response:
    """Return an answer that says what was wrong, and with which parameter if it was one."""
    return json_response({"error": {"parameter": parameter, "message": message}}, status_code)


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
