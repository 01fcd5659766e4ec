"""Reads small bodies of requests; a large one is refused before it is in memory."""

from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_BODY_BYTES: Final = 4096
_MAX_FIELDS: Final = 10

Body = TypeVar("Body", bound=msgspec.Struct)


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form (`application/x-www-form-urlencoded`), the first of each name.

    Raises:
        HTTPException: it is too large (413), or no form (400).
    """
    content = await _read(request)
    try:
        fields = parse_qsl(content.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError as exc:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the form cannot be read") from exc
    return dict(reversed(fields))


async def read_json(request: Request, kind: type[Body]) -> Body:
    """Return the body as `kind`.

    Raises:
        HTTPException: it is too large (413), or not that (400).
    """
    try:
        return msgspec.json.decode(await _read(request), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"the body is not what is asked for: {exc}") from exc


async def _read(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_BODY_BYTES} bytes are read")
    return bytes(content)
