"""What can go wrong with a store, by what the caller does next.

Errors:
    StoreError
        StoreUnavailableError   try again later: nothing was changed
        StoreUnusableError      a person must change the address, the rights or the database
"""


class StoreError(Exception):
    """The store did not do what was asked; the message says what to do."""


class StoreUnavailableError(StoreError):
    """The database does not answer or is busy; nothing was changed, trying again may help."""


class StoreUnusableError(StoreError):
    """The address, the login or the database itself is wrong; trying again will not help."""
