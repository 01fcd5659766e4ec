"""Checks passwords without taking the threads that answer everybody else."""

from asyncio import Semaphore
from typing import Final

from starlette.concurrency import run_in_threadpool

from winnow.cloud_sink.access import Accounts

AT_ONCE: Final = 2
"""As many as hash at the same time. A check that waits for its turn on a thread would hold one of the forty that all
answers come from: whoever sends logins from many addresses could stop the page for those who are logged in."""


class PasswordChecks:
    """Asks the accounts, a few at a time; the others wait without a thread.

    Args:
        accounts: knows the passwords.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._turns = Semaphore(AT_ONCE)

    async def match(self, name: str, password: str) -> bool:
        """Return whether it is the user's password."""
        async with self._turns:
            return await run_in_threadpool(self._accounts.password_matches, name, password)
