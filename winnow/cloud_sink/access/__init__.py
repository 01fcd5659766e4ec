"""Who may look at the store's page, and what they did."""

from winnow.cloud_sink.access.accounts import Accounts, open_accounts
from winnow.cloud_sink.access.first import make_first_admin
from winnow.cloud_sink.access.limiter import LoginLimiter
from winnow.cloud_sink.access.passwords import new_password
from winnow.cloud_sink.access.people import ROLES, AccessError, AuditLine, Caller, Principal, Role, Token, User

__all__ = [
    "ROLES",
    "AccessError",
    "Accounts",
    "AuditLine",
    "Caller",
    "LoginLimiter",
    "Principal",
    "Role",
    "Token",
    "User",
    "make_first_admin",
    "new_password",
    "open_accounts",
]
