"""The first start: somebody must be able to log in, and nobody may who was not meant to."""

import logging
from collections.abc import Callable
from typing import Final

from winnow.cloud_sink.access.accounts import Accounts
from winnow.cloud_sink.access.passwords import new_password
from winnow.cloud_sink.access.people import AccessError, Caller

FIRST_ADMIN: Final = "admin"

_log: Final = logging.getLogger(__name__)


def make_first_admin(accounts: Accounts, show: Callable[[str, str], None] | None) -> None:
    """There is an admin, whose name and password were shown once; where nobody would see them, the log says what to do.

    Args:
        accounts: where nobody may be yet.
        show: shows name and password to a person; None: there is none, and a log is no place for a password.
    """
    if accounts.users():
        return
    if show is None:
        _log.warning("Nobody can log in to the page yet: `winnow users add admin --role admin -c SETTINGS` lets you in")
        return
    password = new_password()
    try:
        accounts.add_user(FIRST_ADMIN, "admin", password, Caller(who="winnow", origin="first start"))
    except AccessError:  # another sink on the same store was faster
        return
    show(FIRST_ADMIN, password)
