"""A whole edge box near the end of its day's bytes: pictures shrink, then stop; events never."""

import json
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import av
import pytest
import yaml

from tests.end_to_end.footage import SAMPLES
from tests.end_to_end.mqtt_ear import MqttEar, listening
from tests.end_to_end.processes import eventually, winnow
from winnow.events.jpeg import jpeg_size
from winnow.runtime.mqtt import MqttSettings

LIMIT_BYTES: Final = 1_000_000
USED: Final = {"full": 0, "small": 750_000, "none": 950_000}
"""What the day has carried before the box starts, by what pictures may be then."""

SECONDS: Final = 10
KINDS: Final = ("object.started", "object.ended", "object.updated", "camera.online")


def _first_seconds(path: Path) -> Path:
    """Write the beginning of the street clip."""
    with av.open(str(SAMPLES / "street.mp4")) as street, av.open(str(path), "w") as copy:
        stream = copy.add_stream_from_template(street.streams.video[0])
        for packet in street.demux(video=0):
            if packet.dts is not None and packet.dts * packet.time_base < SECONDS:
                packet.stream = stream
                copy.mux(packet)
    return path


def _prepare(folder: Path, node: str, broker: str, clip: Path, used_bytes: int) -> Path:
    folder.mkdir()
    settings: dict[str, Any] = {
        "node": node,
        "mqtt": {"url": f"mqtt://{broker}"},
        "spool": {"path": "spool.sqlite"},
        "metrics": {"port": None},
        "link": {"batches": False, "daily_bytes": LIMIT_BYTES},
        "cameras": {"street": {"source": str(clip)}},
    }
    today = datetime.now(UTC).date().isoformat()
    (folder / "spool.sqlite.days.json").write_text(json.dumps({today: {"street": {"events": used_bytes}}}))
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.mark.broker
def test_pictures_give_way_and_events_do_not(mqtt_address: str, unique_name: str, tmp_path: Path) -> None:
    """Three boxes see the same street; what their day has left decides on pictures alone."""
    clip, ears = _first_seconds(tmp_path / "street.mp4"), dict[str, MqttEar]()
    with ExitStack() as stack:
        boxes = []
        for size, used_bytes in USED.items():
            node = f"{unique_name}-{size}"
            path = _prepare(tmp_path / size, node, mqtt_address, clip, used_bytes)
            ears[size] = stack.enter_context(listening(MqttSettings(url=f"mqtt://{mqtt_address}"), node))
            boxes.append(stack.enter_context(winnow("edge", "run", "-c", str(path), folder=path.parent)))
        for box in boxes:
            assert box.wait(90) == 0, box.log_tail()
        eventually(lambda: all(ear.statistics() for ear in ears.values()), 10, lambda: "no statistics")
    events = {size: [len(ear.envelopes(kind)) for kind in KINDS] for size, ear in ears.items()}
    assert events["full"] == events["small"] == events["none"]
    assert min(events["full"][:2]) > 0
    links = {size: ear.statistics()[-1].link for size, ear in ears.items()}
    assert {size: link and link.pictures for size, link in links.items()} == {size: size for size in USED}
    pictures = {size: [jpeg for _, jpeg in ear.thumbnails()] for size, ear in ears.items()}
    assert pictures["none"] == []
    assert len(pictures["small"]) == len(pictures["full"]) > 0
    assert max(max(jpeg_size(jpeg)) for jpeg in pictures["small"]) <= 96 < max(map(_side, pictures["full"]))
    assert max(map(len, pictures["small"])) <= 1024


def _side(jpeg: bytes) -> int:
    return max(jpeg_size(jpeg))
