"""Carries out the demo: broker, gateway and edge as child processes, database, page and terminal in this one."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

import winnow
from winnow.cli.child import Child, ChildEndedError
from winnow.cli.console import error_console, fail, output_console
from winnow.cli.demo_settings import write_demo_settings
from winnow.cli.replay import name_of
from winnow.cli.summary import format_bytes, format_saving
from winnow.cloud_sink.access import Accounts, Caller, new_password, open_accounts
from winnow.cloud_sink.store import EventFilter, Store
from winnow.cloud_sink.store.opening import open_store
from winnow.cloud_sink.tail.render import render_event
from winnow.cloud_sink.web.login import OneTimeCodes
from winnow.cloud_sink.web.server import web_server
from winnow.runtime.clock import SystemClock
from winnow.runtime.embedded_broker import EmbeddedBroker, EmbeddedBrokerError
from winnow.runtime.stopping import stop_on_signals

_POLL_S: Final = 0.2
_SETTLE_S: Final = 3.0
"""After the clip the last events may be on their way for so long."""

_USER: Final = "demo"
_CLIP: Final = "street.mp4"
_CHECKOUT: Final = Path(winnow.__file__).parent.parent / "sample_videos"


@dataclass(slots=True)
class _Seen:
    """What the terminal has shown so far."""

    position: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


def run_demo(video: Path | None, *, port: int, exits_when_done: bool) -> int:
    """Return the demo's exit code once the clip is over (or the user has seen enough)."""
    clip, config = _footage(video)
    errors, output = error_console(), output_console()
    with ExitStack() as stack:
        stopping = stack.enter_context(stop_on_signals())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="winnow-demo-")))
        store = open_store(f"sqlite:///{folder / 'winnow.db'}")
        stack.callback(store.close)
        accounts = stack.enter_context(closing(open_accounts(f"sqlite:///{folder / 'winnow.db'}")))
        codes, password = OneTimeCodes(), new_password()
        accounts.add_user(_USER, "admin", password, Caller(who="demo", origin="command line"))
        address = stack.enter_context(_page(store, accounts, codes, port))
        errors.print(f"[bold]Page:[/] {address}welcome/{codes.make(_USER)}", soft_wrap=True)
        errors.print(
            f"      [dim]The link is good once. Later, log in as[/] {_USER} [dim]with[/] {password}", soft_wrap=True
        )
        seen = _Seen()
        try:
            gateway, edge = _start_children(stack, folder, clip, config)
            while gateway.is_running and edge.is_running and not stopping.wait(_POLL_S):
                _show_new(store, seen, output)
            if not stopping.is_set():
                _demand_good_end(gateway, edge)
                stopping.wait(_SETTLE_S)
            _show_new(store, seen, output)
        except (ChildEndedError, EmbeddedBrokerError) as exc:
            fail(str(exc), code=1)
        errors.print(_summary(store, seen))
        if not exits_when_done and not stopping.is_set():
            errors.print("The clip is over; the page stays up. Ctrl-C ends the demo.")
            stopping.wait()
    return 0


def _footage(video: Path | None) -> tuple[Path, Path | None]:
    """Return the clip and the edge settings made for it, if any; ends the command if there is no clip."""
    if video is not None:
        if not video.exists():
            fail(f"{video}: no such file; name a video")
        return video.resolve(), None
    clip = _CHECKOUT / _CLIP
    if not clip.exists():
        fail("the sample clip comes with a checkout of the project, not with the package; name a video of your own")
    return clip, clip.with_name("street.edge.yaml")


@contextmanager
def _page(store: Store, accounts: Accounts, codes: OneTimeCodes, port: int) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            address = stack.enter_context(
                web_server(store, accounts=accounts, codes=codes, clock=SystemClock(), port=port)
            )
        except OSError as exc:
            fail(f"--port {port}: {exc.strerror or exc}; choose another, or 0 for a free one")
        yield address


def _start_children(stack: ExitStack, folder: Path, clip: Path, config: Path | None) -> tuple[Child, Child]:
    """Start broker, gateway and edge; return the last two. All end with the stack, the edge first."""
    broker = stack.enter_context(EmbeddedBroker())
    files = write_demo_settings(folder, broker=broker.address, camera=name_of(clip), clip=clip, edge_settings=config)
    gateway = stack.enter_context(Child("gateway", ["gateway", "-c", str(files.gateway)], folder))
    return gateway, stack.enter_context(Child("edge", ["run", "-c", str(files.edge)], folder))


def _demand_good_end(gateway: Child, edge: Child) -> None:
    if not gateway.is_running:
        gateway.demand_success()
        raise ChildEndedError("the gateway ended before the clip did")
    edge.demand_success()


def _show_new(store: Store, seen: _Seen, output: Console) -> None:
    while batch := store.events(EventFilter(), after=seen.position):
        for stored in batch:
            seen.position = stored.position
            seen.kinds[stored.kind] += 1
            if stored.kind != "node.stats":
                output.print(render_event(stored.event()), soft_wrap=True)


def _summary(store: Store, seen: _Seen) -> Table:
    bandwidth = store.bandwidth()
    gaps = store.gaps(lateness_s=0)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    rows = {
        "events": f"{seen.kinds.total()} stored, {seen.kinds['object.started']} objects",
        "video read": format_bytes(bandwidth.bytes_in),
        "sent": f"{format_bytes(bandwidth.bytes_out)} of events and thumbnails",
        "saved": format_saving(bandwidth.bytes_in, bandwidth.bytes_out),
        "missing": "nothing: every sequence number arrived" if not gaps else f"{len(gaps)} gaps: {gaps}",
    }
    for name, figure in rows.items():
        table.add_row(f"[dim]{name}[/]", figure)
    return table
