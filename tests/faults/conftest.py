"""The two installations that the fault tests share, each started once; and time enough for the full scale."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.end_to_end.installation import Installation, kafka_installation, single_machine
from tests.faults.scale import SCALE
from tests.faults.summary import summary_below, table

FULL_TIMEOUT_S: Final = 3600


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """At full scale no test of this folder is ended before an hour is over; at quick scale the longest are left out."""
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    if SCALE.is_full:
        for item in ours:
            item.add_marker(pytest.mark.timeout(FULL_TIMEOUT_S), append=False)
        return
    left_out = [item for item in ours if item.get_closest_marker("at_length")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """At full scale, print what all runs have in common, and keep it beside their folder as `summary.json`."""
    runs = Path(config.option.basetemp or "")
    if not (SCALE.is_full and config.option.basetemp and runs.is_dir()):
        return
    summary = summary_below(runs)
    (runs.parent / "summary.json").write_bytes(msgspec.json.format(msgspec.json.encode(summary)))
    terminalreporter.section("sums of all runs")
    terminalreporter.write_line(table(summary))


def pytest_report_header() -> str:
    """Name the seed: SEED=… repeats the choices."""
    return f"faults: SEED={SCALE.seed}, {'full' if SCALE.is_full else 'quick'} scale"


@pytest.fixture(scope="session")
def with_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Return a running path over Kafka into PostgreSQL and SQLite, with lines that can be cut."""
    with kafka_installation(tmp_path_factory.mktemp("installation"), has_lines=True) as installation:
        yield installation


@pytest.fixture(scope="session")
def without_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Return a running path straight into SQLite, with lines that can be cut."""
    with single_machine(tmp_path_factory.mktemp("single-machine"), has_lines=True) as installation:
        yield installation
