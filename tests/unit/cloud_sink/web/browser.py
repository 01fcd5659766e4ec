"""A browser without a window: keeps cookies, sends forms; and its session, if it has one."""

import asyncio
import re
from html import unescape
from typing import Any

import httpx
from starlette.applications import Starlette

PASSWORD = "seven-quiet-otters"  # noqa: S105 - of a store that lives as long as a test


class Browser:
    """Asks an application, one question after the other.

    Attributes:
        cookies: what the application has set.
    """

    def __init__(self, app: Starlette, *, scheme: str = "http", address: str = "192.0.2.7") -> None:
        self.cookies = httpx.Cookies()
        self._base = f"{scheme}://127.0.0.1"
        self._transport = httpx.ASGITransport(app, client=(address, 4711))

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer, its cookies kept."""
        return asyncio.run(self._ask(method, path, options))

    def log_in(self, name: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
        """Send the login form as it was served."""
        form = self.ask("GET", "/login", params=fields)
        csrf = re.search(r'name="csrf" value="([^"]+)"', form.text)
        wanted = re.search(r'name="next" value="([^"]*)"', form.text)
        assert csrf
        assert wanted
        data = {"name": name, "password": password, "csrf": unescape(csrf[1]), "next": unescape(wanted[1])}
        return self.ask("POST", "/login", data=data)

    def change(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask for a change as the page does."""
        csrf = self.ask("GET", "/api/me").json()["csrf"]
        return self.ask(method, path, headers={"X-CSRF-Token": csrf}, **options)

    async def _ask(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url=self._base, cookies=self.cookies) as client:
            answer = await client.request(method, path, **options)
            self.cookies = httpx.Cookies(client.cookies)
            return answer
