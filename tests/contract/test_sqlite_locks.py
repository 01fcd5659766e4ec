"""One SQLite file, two openers in a process: what another process does then must not pull the file away."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from winnow.cloud_sink.access import Caller, open_accounts
from winnow.cloud_sink.store import StoreUnusableError, open_store
from winnow.cloud_sink.testing import crossing_event
from winnow.events.kafka import to_kafka

LOOK = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1])
print(other.execute("SELECT count(*) FROM events").fetchone()[0])
other.close()
"""


def look(path: Path) -> int:
    """Return how many events another process finds, which then closes the file."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(path)], capture_output=True, text=True, timeout=30, check=True
    )
    return int(done.stdout)


def test_store_goes_on_while_others_come_and_go(tmp_path: Path) -> None:
    """Store and accounts are open in one process, as in a sink; another looks and closes; every write is taken."""
    path = tmp_path / "events.db"
    with closing(open_store(f"sqlite:///{path}")) as store:
        store.write([to_kafka(crossing_event(1))])
        with closing(open_accounts(f"sqlite:///{path}")) as accounts:
            for number in range(2, 6):
                assert look(path) == number - 1
                assert path.with_name("events.db-wal").exists(), "the log is there as long as somebody uses it"
                store.write([to_kafka(crossing_event(number))])
                accounts.tokens.create(f"token-{number}", "viewer", Caller(who="tester", origin="test"))
        assert look(path) == 5


def test_folder_is_no_store(tmp_path: Path) -> None:
    """The message says what must be there."""
    with pytest.raises(StoreUnusableError, match="Is a directory"):
        open_store(f"sqlite:///{tmp_path}")
