"""The sample clip through `winnow replay`, once to files and once to a broker, as a person would type it."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import yaml

from tests.end_to_end.contents import Contents
from tests.end_to_end.installation import write_settings
from tests.end_to_end.processes import CHECKOUT, WINNOW
from winnow.events.event import Envelope, kind_of_type

SAMPLES = CHECKOUT / "sample_videos"
REPLAY_WITHIN_S = 100.0


class Told(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """What an event says, without the attributes that a spool adds."""

    id: str
    source: str
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """What `winnow replay --json --thumbnails DIR` makes of a clip.

    Attributes:
        video: the clip.
        config: the edge's settings.
        node: the node that they name.
        events: every line of the output.
        thumbnails: JPEGs by the id of their event.
        size_bytes: of the clip.
    """

    video: Path
    config: Path
    node: str
    events: tuple[Told, ...]
    thumbnails: dict[str, bytes]
    size_bytes: int


def replay(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Return a finished `winnow replay`; fail unless it succeeded."""
    command = (*WINNOW, "replay", *map(str, arguments))
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=False, timeout=REPLAY_WITHIN_S)
    assert done.returncode == 0, done.stderr.decode()
    return done


def street(folder: Path) -> Footage:
    """Return the sample clip's events and thumbnails; its settings are the demo's, with a spool in `folder`."""
    video = SAMPLES / "street.mp4"
    settings = yaml.safe_load((SAMPLES / "street.edge.yaml").read_text())
    settings["cameras"]["street"]["source"] = str(video)
    config = write_settings(folder / "edge.yaml", {**settings, "spool": {"path": str(folder / "spool.sqlite")}})
    shots = folder / "shots"
    done = replay(video, "-c", config, "--json", "--thumbnails", shots)
    return Footage(
        video=video,
        config=config,
        node=settings["node"],
        events=tuple(_told(line) for line in done.stdout.splitlines()),
        thumbnails={file.stem: file.read_bytes() for file in shots.iterdir()},
        size_bytes=video.stat().st_size,
    )


def _told(line: bytes) -> Told:
    envelope = msgspec.json.decode(line, type=Envelope)
    return Told(id=envelope.id, source=envelope.source, kind=kind_of_type(envelope.type), data=bytes(envelope.data))


def told_of_cameras(contents: Contents) -> Sequence[Told]:
    """Return what a store holds of cameras' events; a node's own statistics are about a run, not about footage."""
    return [
        Told(id=row.id, source=row.source, kind=row.kind, data=row.content)
        for row in contents.rows
        if row.kind not in {"thumbnail.captured", "node.stats"}
    ]
