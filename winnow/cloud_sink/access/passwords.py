"""Passwords and other secrets: made, hashed, compared."""

import hashlib
import hmac
import secrets
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from winnow.cloud_sink.access.people import AccessError

MIN_PASSWORD: Final = 10
MAX_PASSWORD: Final = 200
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without what looks alike on a screen: 31 characters, so 20 of them are 99 bits."""
_GROUPS: Final = 4
_GROUP: Final = 5
_SECRET_BYTES: Final = 32
_AT_ONCE: Final = 2
"""Hashing takes 64 MiB each time (RFC 9106's second choice): whoever sends logins must not fill the memory."""


class Passwords:
    """Hashes passwords with Argon2id and checks them; safe to use from several threads.

    Args:
        hasher: says what a hash costs; by default what RFC 9106 recommends.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = BoundedSemaphore(_AT_ONCE)
        self._nobodys: str | None = None

    def hashed(self, password: str) -> str:
        """Return what is stored of a password.

        Raises:
            AccessError: it is too short or too long.
        """
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise AccessError(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        with self._turns:
            return self._hasher.hash(password)

    def matches(self, stored: str | None, password: str) -> bool:
        """Return whether it is the password; takes as long where there is none stored, so that names stay secret."""
        if len(password) > MAX_PASSWORD:
            return False
        if self._nobodys is None:  # whoever comes first waits for it, known or not: even that one tells nothing
            self._nobodys = self.hashed(new_password())
        with self._turns:
            try:
                self._hasher.verify(stored or self._nobodys or "", password)
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None


def new_password() -> str:
    """Return a password that a person can type."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def new_secret() -> str:
    """Return 256 random bits as text for a cookie or a header."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def digest_of(secret: str) -> str:
    """Return what is stored of a secret with 256 random bits: guessing is hopeless, so a fast hash will do."""
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_of(session_secret: str) -> str:
    """Return what the pages of a session prove themselves with: it tells nothing of the session's secret."""
    return hmac.new(session_secret.encode(), b"csrf", hashlib.sha256).hexdigest()
