"""Which store a command about access means, and who types it."""

import os
import pwd
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from winnow.cli.console import fail
from winnow.cloud_sink.access import AccessError, Accounts, Caller, open_accounts
from winnow.cloud_sink.settings import SinkSettings, StoreSettings, check_store_url
from winnow.cloud_sink.store import StoreError
from winnow.runtime.settings import SettingsError, load_settings


@contextmanager
def access(config: str | None, store: str | None) -> Iterator[Accounts]:
    """Yield who has access to the store; ends the command with a sentence when something cannot be.

    Without both, WINNOW_STORE names the store.
    """
    if config is not None and store is not None:
        fail("-c and --store exclude one another: give one")
    try:
        if config is not None:
            named = load_settings(Path(config), SinkSettings).store
        else:
            url = check_store_url(store or os.environ.get("WINNOW_STORE") or fail("name the store with -c or --store"))
            named = StoreSettings(url=url)
        with closing(open_accounts(named.url, password_file=named.password_file, tls=named.tls)) as accounts:
            yield accounts
    except (SettingsError, StoreError, AccessError, ValueError) as exc:
        fail(str(exc))


def on_this_machine() -> Caller:
    """Return who types the command, for the audit."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return Caller(who=f"cli:{name}", origin="command line")
