"""Keeps logins that stand in URLs out of everything that people or logs see."""

import re
from typing import Final

_LOGIN_IN_URL: Final = re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^/@\s]*@")


def without_logins(text: str) -> str:
    """Return `text` with the login of every URL in it replaced by `***`."""
    return _LOGIN_IN_URL.sub(r"\1***@", text)
