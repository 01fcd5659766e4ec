"""Asks the application without a port."""

import asyncio
from typing import Any

import httpx

from winnow.cloud_sink.access import Accounts, Caller
from winnow.cloud_sink.store import Store
from winnow.cloud_sink.web import create_app
from winnow.runtime.clock import Clock

TESTER = Caller(who="tester", origin="test")


class Visitor:
    """Somebody with a token who asks an application, one question after the other."""

    def __init__(self, store: Store, clock: Clock, accounts: Accounts, **further: Any) -> None:
        self._transport = httpx.ASGITransport(create_app(store, accounts=accounts, clock=clock, **further))
        token = accounts.tokens.create("visitor", "admin", TESTER)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Return the answer to GET."""
        return self.request("GET", path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer to any method."""
        return asyncio.run(self._ask(method, path, options))

    async def _ask(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=self._transport, base_url="http://127.0.0.1", headers=self._headers
        ) as client:
            return await client.request(method, path, **options)
