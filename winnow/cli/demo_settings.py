"""Settings files of the demo's processes: what a person would write for one machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFiles:
    """Where the settings were written."""

    gateway: Path
    edge: Path


def write_demo_settings(folder: Path, *, broker: str, camera: str, clip: Path, edge_settings: Path | None) -> DemoFiles:
    """Write the settings of gateway and edge into `folder`.

    Args:
        folder: also holds the database and the spool.
        broker: `HOST:PORT`.
        camera: name of the camera where `edge_settings` is None.
        clip: what it sees.
        edge_settings: zones, lines and labels for this clip; broker, spool and paths in it are replaced.
    """
    mqtt = {"url": f"mqtt://{broker}"}
    gateway: dict[str, Any] = {
        "mqtt": mqtt,
        "destination": f"sqlite:///{folder / 'winnow.db'}",
        "metrics": {"port": 0},
    }
    edge: dict[str, Any] = (
        _read(edge_settings) if edge_settings else {"node": "demo-box", "stats_every_s": 5, "cameras": {camera: {}}}
    )
    edge |= {"mqtt": mqtt, "spool": {"path": str(folder / "spool.sqlite")}, "metrics": {"port": None}}
    for settings in edge["cameras"].values():
        settings["source"] = str(clip)
    return DemoFiles(gateway=_write(folder / "gateway.yaml", gateway), edge=_write(folder / "edge.yaml", edge))


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def _write(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path
