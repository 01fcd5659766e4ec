"""Plants a defect in a process and then runs it: `python -m tests.faults.planted DEFECT PROGRAM ARGUMENT…`.

A suite that stays green with one of these in it proves nothing. Nothing in Winnow itself knows of them: each replaces a
function from outside, in the child process alone.
"""

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import UniqueConstraint

from tests.faults import feeder
from winnow.cli.__main__ import main as winnow_main
from winnow.cloud_sink.store import schema, sql_store, writing
from winnow.cloud_sink.store.intake import Arrival, Refusal
from winnow.events import Receipt
from winnow.gateway.mqtt_connection import MqttConnection
from winnow.pipeline.delivery.sending import Sending

BEFORE_THE_ROWS_S: Final = 0.3


def delete_on_puback() -> None:
    """The edge takes the broker's acknowledgement for a receipt."""
    note_answer = Sending.note_answer

    def note_and_delete(self: Sending, packet_id: int, refusal: Any, now_s: float) -> None:
        packet = self._packets.get(packet_id)
        note_answer(self, packet_id, refusal, now_s)
        if packet is not None and refusal is None:
            self.note_receipts([Receipt(epoch=self._spool.epoch, also=tuple(one.sequence for one in packet.messages))])

    Sending.note_answer = note_and_delete  # type: ignore[method-assign]


def no_dedupe() -> None:
    """The store takes whatever comes for new."""

    def all_new(arrivals: Iterable[Arrival], _known: object) -> tuple[list[Arrival], list[Arrival], list[Refusal]]:
        return list(arrivals), [], []

    vars(writing)["split_known"] = all_new
    for table in (schema.events, schema.thumbnails):
        table.constraints -= {one for one in table.constraints if isinstance(one, UniqueConstraint)}


def subscribe_once() -> None:
    """The gateway trusts the broker to remember what it subscribed to."""
    opened = MqttConnection.open
    connections: list[MqttConnection] = []

    async def open_without(self: MqttConnection, filters: Sequence[str], *, instead_of: Sequence[str] = ()) -> None:
        connections.append(self)
        if len(connections) == 1:
            await opened(self, filters, instead_of=instead_of)
            return
        await self.establish()

    MqttConnection.open = open_without  # type: ignore[method-assign]


def offset_first() -> None:
    """The sink commits how far it has read before it writes what it has read."""
    write = sql_store.SqlStore.write

    def offsets_then_rows(self: sql_store.SqlStore, records: Any, offsets: Mapping[Any, int] | None = None) -> Any:
        write(self, [], offsets)
        time.sleep(BEFORE_THE_ROWS_S)
        return write(self, records)

    sql_store.SqlStore.write = offsets_then_rows  # type: ignore[method-assign]


DEFECTS: Final[Mapping[str, Callable[[], None]]] = {
    "delete-on-puback": delete_on_puback,
    "no-dedupe": no_dedupe,
    "offset-first": offset_first,
    "subscribe-once": subscribe_once,
}


def main() -> int:
    """Plant the defect and run the program: `feeder`, or a command of `winnow`."""
    defect, program, *arguments = sys.argv[1:]
    DEFECTS[defect]()
    if program == "feeder":
        return feeder.main(arguments)
    sys.argv = ["winnow", program, *arguments]
    winnow_main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
