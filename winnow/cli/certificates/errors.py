"""What can go wrong with the authority.

Errors:
    PkiError      the folder, a name or a date does not allow it; nothing was changed
"""


class PkiError(Exception):
    """The authority cannot do it; the message says what to do instead."""
