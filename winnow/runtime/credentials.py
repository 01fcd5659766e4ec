"""Keeps logins that stand in URLs out of everything that people or logs see."""

import re
from typing import Final

_LOGIN_IN_URL: Final = re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^/@\s]*@")
_NAMED_SECRET: Final = re.compile(r"(?i)\b((?:ssl)?password|passwd|pwd|token|secret)=[^&\s\"'#/;,)}\]]+")


def without_logins(text: str) -> str:
    """Return `text` with the login of every URL, and whatever is called a password, token or secret, as `***`."""
    return _NAMED_SECRET.sub(r"\1=***", _LOGIN_IN_URL.sub(r"\1***@", text))
