"""JSON Schema of every kind of event, generated from the types into `winnow/events/schema/`."""

import json
from pathlib import Path
from typing import Final

import msgspec

from winnow.events.data import DATA_TYPES
from winnow.events.event import type_of

SCHEMA_DIRECTORY: Final = Path(__file__).parent / "schema"


def generate_schemas() -> dict[str, str]:
    """Return file name → JSON text, one for each kind's `data`."""
    return {f"{kind}.v1.json": _schema_text(kind) for kind in DATA_TYPES}


def _schema_text(kind: str) -> str:
    schema = msgspec.json.schema(DATA_TYPES[kind])
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:winnow:{type_of(kind)}",
        "title": type_of(kind),
        **schema,
    }
    return json.dumps(described, indent=2, sort_keys=True) + "\n"


def write_schemas(directory: Path = SCHEMA_DIRECTORY) -> list[Path]:
    """Write every schema and return the files."""
    directory.mkdir(exist_ok=True)
    written = []
    for name, text in generate_schemas().items():
        path = directory / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for written_path in write_schemas():
        print(written_path)  # noqa: T201 - a command's answer
