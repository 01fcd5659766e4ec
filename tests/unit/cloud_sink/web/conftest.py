"""Who has access, for tests of the page."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from winnow.cloud_sink.access import Accounts, open_accounts
from winnow.cloud_sink.testing import quick_passwords


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    """Return where nobody has access yet."""
    with closing(open_accounts(f"sqlite:///{tmp_path}/access.db", passwords=quick_passwords())) as opened:
        yield opened
