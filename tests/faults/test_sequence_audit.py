"""A row that is pulled out of the path by hand: page, metric and log name node, epoch and exact range, soon."""

import json
import re
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from scripts.services import free_port
from tests.end_to_end.contents import read_contents
from tests.end_to_end.installation import Installation, Sink, sink_of
from tests.end_to_end.processes import eventually
from tests.faults.fault_run import FaultRun
from tests.faults.feeder import Feed
from tests.faults.oracle import TOMBSTONE, place_of
from tests.faults.scale import SCALE
from tests.faults.strikes import Strike
from tests.faults.summary import note_figures
from winnow.cloud_sink.access import Caller, open_accounts
from winnow.cloud_sink.store import DEFAULT_LATENESS_S

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

LATENESS_S: Final = DEFAULT_LATENESS_S if SCALE.is_full else 3.0
TOLD_WITHIN_S: Final = 60.0 if SCALE.is_full else LATENESS_S + 20.0
"""With the lateness that a sink has by itself: a minute."""
PULLED: Final = 3
SMALL_SPOOL_BYTES: Final = 60_000


@pytest.fixture
def ports() -> tuple[int, int]:
    """Return where the sink's page and its metrics are served."""
    return free_port(), free_port()


@pytest.fixture
def sink(with_kafka: Installation, tmp_path: Path, ports: tuple[int, int]) -> Iterator[Sink]:
    """Return a sink with a page, behind the installation's Kafka."""
    further: dict[str, Any] = {"http": {"port": ports[0]}, "lateness_s": LATENESS_S}
    with sink_of(with_kafka, tmp_path, "audited", metrics_port=ports[1], **further) as running:
        yield running


def metrics_text(port: int) -> str:
    """Return what the sink's metrics say."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=3) as answer:
        return str(answer.read().decode())


def token_for(store_url: str) -> str:
    """Return what lets a program look at the store's page."""
    with closing(open_accounts(store_url)) as accounts:
        return accounts.tokens.create("onlooker", "viewer", Caller(who="tester", origin="test"))


def alarms(sink: Sink, node: str) -> list[dict[str, Any]]:
    """Return the ERROR lines about a node in the sink's log."""
    lines = [json.loads(line) for line in sink.process.log_path.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["level"] == "ERROR" and line.get("node") == node]


def pull_rows(run: FaultRun, folder: Path) -> tuple[str, int, int]:
    """Delete three neighbours out of a spool whose line is cut; return their epoch, first and last sequence."""
    end = run.begin(Strike(kind="cut", part="edge", lasts_s=0))
    run.feed(60)
    epoch, first = place_of(run.journal().accepted[-30])
    last = first + PULLED - 1
    with closing(sqlite3.connect(folder / "spool.sqlite", timeout=10)) as spool, spool:
        gone = spool.execute("DELETE FROM message WHERE sequence BETWEEN ? AND ?", (first, last)).rowcount
    assert gone == PULLED
    run.note(end())
    return epoch, first, last


def overflow(run: FaultRun) -> None:
    """Cut the line of an edge with a small spool until it has given messages up."""
    end = run.begin(Strike(kind="cut", part="edge", lasts_s=0))
    run.feed(300)
    run.note(end())


def test_rows_pulled_out_of_the_path_are_named_by_page_metric_and_log(  # noqa: PLR0913, PLR0917 - what the path is made of
    with_kafka: Installation,
    sink: Sink,
    ports: tuple[int, int],
    unique_name: str,
    tmp_path: Path,
    chromium_page: Page,
) -> None:
    """Within a minute all three say the same; what another node has given up by name is no alarm."""
    thrifty = f"{unique_name}x"
    (tmp_path / "robbed").mkdir()
    (tmp_path / "thrifty").mkdir()
    small = Feed(steps_per_s=60, max_bytes=SMALL_SPOOL_BYTES)
    with (
        FaultRun(with_kafka, node=unique_name, folder=tmp_path / "robbed") as robbed,
        FaultRun(with_kafka, node=thrifty, folder=tmp_path / "thrifty", feed=small) as second,
    ):
        robbed.flow()
        overflow(second)
        chromium_page.set_extra_http_headers({"Authorization": f"Bearer {token_for(sink.store_url)}"})
        chromium_page.goto(f"http://127.0.0.1:{ports[0]}")
        expect(chromium_page.locator("#connection")).to_have_text("Live", timeout=TOLD_WITHIN_S * 1000)
        epoch, first, last = pull_rows(robbed, tmp_path / "robbed")
        began_s = time.monotonic()
        robbed.heal()
        expect(chromium_page.locator("#gaps")).to_contain_text(
            re.compile(rf"{unique_name}: sequences {first:,} to {last:,} of epoch {epoch}"),
            timeout=TOLD_WITHIN_S * 1000,
        )
        labels = f'{{epoch="{epoch}",first="{first}",last="{last}",node="{unique_name}"}}'
        eventually(
            lambda: f"winnow_sink_gap_sequences{labels} {PULLED}.0" in metrics_text(ports[1]),
            TOLD_WITHIN_S,
            lambda: metrics_text(ports[1]),
        )
        took_s = time.monotonic() - began_s
        eventually(
            lambda: any(row.kind == TOMBSTONE for row in read_contents(sink.store_url, thrifty).rows),
            TOLD_WITHIN_S,
            lambda: "nothing was given up",
        )
        time.sleep(LATENESS_S + 3.5 if not SCALE.is_full else 1.0)
        assert thrifty not in chromium_page.locator("#gaps").inner_text()
        assert f'node="{thrifty}"' not in metrics_text(ports[1])
    note_figures(tmp_path, lateness_s=LATENESS_S, gap_told_after_s=round(took_s, 1))
    told = [(one["node"], one["epoch"], one["first"], one["last"]) for one in alarms(sink, unique_name)]
    assert told == [(unique_name, epoch, first, last)]
    assert alarms(sink, thrifty) == []
    assert took_s <= TOLD_WITHIN_S
