"""The two cookies: of a session, and of a login form that is being filled in.

Both are HttpOnly (no script reads them) and SameSite=Lax (other sites' forms and scripts do not send them; a link to
the page does, so a link with filters works). Over https they are Secure and have the prefix `__Host-`, which a browser
takes from this very host only. Source: RFC 6265bis, sections 4.1.3 and 5.5.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

SESSION: Final = "winnow_session"
FORM: Final = "winnow_form"
_SECURE_PREFIX: Final = "__Host-"
_LONGEST: Final = 200


def cookie_name(request: Request, name: str) -> str:
    """Return the cookie's name on the wire."""
    return f"{_SECURE_PREFIX}{name}" if request.url.scheme == "https" else name


def read_cookie(request: Request, name: str) -> str | None:
    """Return what the browser sent, None if it sent nothing that may be ours."""
    value = request.cookies.get(cookie_name(request, name), "")
    return value if 0 < len(value) <= _LONGEST else None


def set_cookie(request: Request, response: Response, name: str, value: str, max_age_s: int) -> None:
    """The browser will send the value back for so long."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=max_age_s,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def delete_cookie(request: Request, response: Response, name: str) -> None:
    """The browser forgets it."""
    secure = request.url.scheme == "https"
    response.delete_cookie(cookie_name(request, name), path="/", secure=secure, httponly=True, samesite="lax")
