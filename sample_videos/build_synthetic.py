"""Draw the synthetic clips and write down what happens in them.

    python sample_videos/build_synthetic.py [--out FOLDER]

Coloured boxes move over a grey, textured ground on paths that are exact functions of time, so that `<clip>.truth.yaml`
can say where every box is in every frame and when a line is crossed or a zone entered. A box stands on its anchor, the
middle of its lower edge. The same builds of FFmpeg and x264 give the same bytes.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, cycle, islice
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

WIDTH: Final = 320
HEIGHT: Final = 192
BOX_WIDTH: Final = 32
BOX_HEIGHT: Final = 48
SPEED: Final = 40
"""Pixels a second of every moving box: 4 pixels a frame at 10 frames a second."""

KEYFRAME_INTERVAL: Final = 10
TICKS_PER_S: Final = 1000
COLOURS_BGR: Final = {"red": (40, 40, 220), "blue": (220, 60, 40)}
VARIABLE_STEPS_MS: Final = (125, 50, 75, 175, 75)
"""Time from frame to frame of the clip with a variable rate, again and again; 25 ms are one pixel."""

Place = Callable[[Fraction], tuple[Fraction, int]]
"""Anchor (x, y) in pixels at a time in seconds."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What one clip shows.

    Attributes:
        times_ms: time of every frame.
        paths: anchor of each box by colour; later ones are drawn in front.
        facts: rules' geometry (normalised) and what happens when, for the truth file.
        noise: standard deviation of the camera noise, in grey levels.
    """

    name: str
    about: str
    times_ms: tuple[int, ...]
    paths: Mapping[str, Place] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)
    noise: float = 0


def scenes() -> list[Scene]:
    """Return the scenes; every time in them follows from `SPEED` by hand, and the tests compare it with the boxes."""
    line = {"line": {"from": [0.5, 0.1], "to": [0.5, 0.95]}}
    crossing = [{"what": "red crosses the line, moving right", "at_s": 5.45}]
    zone = {"zone": [[0.3, 0.4], [0.7, 0.4], [0.7, 0.9], [0.3, 0.9]]}
    visit = [
        {"what": "red enters the zone", "at_s": 3.85},
        {"what": "red stops", "at_s": 5},
        {"what": "red moves on", "at_s": 7},
        {"what": "red leaves the zone", "at_s": 9.05},
    ]
    meeting = [
        {"what": "red and blue begin to overlap, blue in front", "at_s": 5.05},
        {"what": "red and blue are apart again", "at_s": 5.85},
    ]
    arrivals = [
        {"what": "red enters street", "at_s": 3.05},
        {"what": "red goes from street to drive", "at_s": 5.45},
        {"what": "red stops", "at_s": 6.5},
        {"what": "blue enters street", "at_s": 6.05},
        {"what": "blue goes from street to drive", "at_s": 8.45},
        {"what": "red moves on", "at_s": 10.5},
        {"what": "blue leaves drive", "at_s": 11.65},
        {"what": "red leaves drive", "at_s": 12.65},
    ]
    variable = tuple(islice(accumulate(cycle(VARIABLE_STEPS_MS), initial=0), 110))
    return [
        Scene(
            name="line_crossing",
            about="A box walks through the picture from left to right and crosses a line.",
            times_ms=_constant_rate(110),
            paths={"red": _walk_right(ground=130)},
            facts=line | {"happenings": crossing},
        ),
        Scene(
            name="variable_rate",
            about="The same walk; the time between two frames is 50 to 175 ms.",
            times_ms=variable,
            paths={"red": _walk_right(ground=130)},
            facts=line | {"happenings": crossing},
        ),
        Scene(
            name="crossing_paths",
            about="Two boxes walk towards each other; one hides part of the other while they pass.",
            times_ms=_constant_rate(110),
            paths={"red": _walk_right(ground=120), "blue": _walk_left(ground=136)},
            facts={"happenings": meeting},
        ),
        Scene(
            name="zone_visit",
            about="A box walks into a zone, stands there for two seconds, and walks out on the other side.",
            times_ms=_constant_rate(130),
            paths={"red": _walk_and_wait(ground=130)},
            facts=zone | {"happenings": visit},
        ),
        Scene(
            name="arrivals",
            about="Two boxes walk from one zone into another; the first one stands there while the second passes.",
            times_ms=_constant_rate(150),
            paths={
                "red": _walk_and_wait(ground=150, since=Fraction("6.5"), until=Fraction("10.5")),
                "blue": _walk_late,
            },
            facts={"rules": _arrival_rules(), "happenings": arrivals},
        ),
        Scene(
            name="still",
            about="Nothing happens; the camera has a little noise.",
            times_ms=_constant_rate(100),
            facts={"happenings": []},
            noise=1.5,
        ),
    ]


def _arrival_rules() -> dict[str, object]:
    """Every kind of rule, as a camera's settings have them; the middle of the picture is where street becomes drive."""

    def area(left: float, right: float) -> list[list[float]]:
        return [[left, 0.3], [right, 0.3], [right, 0.9], [left, 0.9]]

    middle = [[0.5, 0.1], [0.5, 0.95]]
    by_day = {"hours": [{"start": "06:00", "end": "22:00"}]}
    by_night = {"hours": [{"start": "22:00", "end": "06:00"}]}
    return {
        "zones": {
            "street": {"points": area(0.2, 0.5)},
            "drive": {"points": area(0.5, 0.9), "dwell_s": 5, "occupancy": {"threshold": 2, "cool_down_s": 2}},
            "large": {"points": area(0.2, 0.9), "filter": {"min_area": 0.1}},
        },
        "lines": {
            "cars": {"points": middle, "labels": ["car"]},
            "inwards": {"points": middle, "direction": "in"},
            "by-day": {"points": middle, "schedule": by_day},
            "by-night": {"points": middle, "schedule": by_night},
        },
        "sequences": {"arrival": {"zones": ["street", "drive"], "within_s": 10}},
    }


def _constant_rate(frames: int) -> tuple[int, ...]:
    return tuple(range(0, frames * 100, 100))


def _walk_right(*, ground: int) -> Place:
    """A box that starts one second into the clip, just outside the left edge."""
    return lambda at_s: (-18 + SPEED * (max(at_s, Fraction(1)) - 1), ground)


def _walk_left(*, ground: int) -> Place:
    """A box that starts one second into the clip, just outside the right edge."""
    return lambda at_s: (338 - SPEED * (max(at_s, Fraction(1)) - 1), ground)


def _walk_and_wait(*, ground: int, since: Fraction = Fraction(5), until: Fraction = Fraction(7)) -> Place:
    """As `_walk_right`, standing still for a while."""
    walk = _walk_right(ground=ground)
    return lambda at_s: walk(min(at_s, since) + max(at_s - until, Fraction(0)))


def _walk_late(at_s: Fraction) -> tuple[Fraction, int]:
    """As `_walk_right`, three seconds later and farther away."""
    return _walk_right(ground=96)(at_s - 3)


def box_xyxy(place: Place, at_s: Fraction) -> tuple[int, int, int, int] | None:
    """Return the visible part of a box in whole pixels, or None while it is outside the picture."""
    anchor_x, ground = place(at_s)
    left = round(anchor_x) - BOX_WIDTH // 2
    x1, x2 = max(left, 0), min(left + BOX_WIDTH, WIDTH)
    return (x1, ground - BOX_HEIGHT, x2, ground) if x1 < x2 else None


def draw_ground(random: np.random.Generator) -> NDArray[np.int16]:
    """Return grey levels (height, width) around 170: light and dark tiles with patches of 4 pixels."""
    tiles = (np.indices((HEIGHT // 16, WIDTH // 16)).sum(axis=0) % 2) * 24
    patches = random.integers(-8, 9, (HEIGHT // 4, WIDTH // 4))
    ground = 158 + np.kron(tiles, np.ones((16, 16))) + np.kron(patches, np.ones((4, 4)))
    return np.asarray(ground, np.int16)


def draw_clip(scene: Scene, out: Path) -> None:
    """`out` holds the scene as H.264 in MP4 without B-frames, its index in front, a keyframe every ten frames."""
    random = np.random.default_rng(7)
    ground = draw_ground(random)
    options = {"crf": "26", "preset": "medium", "threads": "1", "bf": "0", "sc_threshold": "0"}
    options["g"] = options["keyint_min"] = str(KEYFRAME_INTERVAL)
    with av.open(str(out), "w", options={"movflags": "+faststart", "fflags": "+bitexact"}) as clip:
        stream = clip.add_stream("libx264", rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS_PER_S)
        for time_ms in scene.times_ms:
            noise = np.rint(random.normal(0, scene.noise, ground.shape)) if scene.noise else 0
            pixels = np.repeat((ground + noise).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
            for colour, place in scene.paths.items():
                box = box_xyxy(place, Fraction(time_ms, TICKS_PER_S))
                if box:
                    pixels[box[1] : box[3], box[0] : box[2]] = COLOURS_BGR[colour]
            frame = av.VideoFrame.from_ndarray(pixels, format="bgr24").reformat(format="yuv420p", threads=1)
            frame.pts, frame.time_base = time_ms, Fraction(1, TICKS_PER_S)
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode())


def write_truth(scene: Scene, clip: Path, *, name: str, about: str, more: Mapping[str, object]) -> None:
    """`<name>.truth.yaml` stands beside the clip: one line a frame, boxes as [x1, y1, x2, y2] in pixels."""
    facts: dict[str, object] = {
        "clip": clip.name,
        "about": about,
        "sha256": hashlib.sha256(clip.read_bytes()).hexdigest(),
        "width": WIDTH,
        "height": HEIGHT,
        **scene.facts,
        **more,
    }
    lines = ["# Written by build_synthetic.py. Times are seconds of stream time."]
    lines += [f"{key}: {json.dumps(value)}" for key, value in facts.items()]
    lines += ["frames:"]
    for index, time_ms in enumerate(scene.times_ms):
        at_s = Fraction(time_ms, TICKS_PER_S)
        boxes = {colour: box for colour, place in scene.paths.items() if (box := box_xyxy(place, at_s))}
        lines.append("  - " + json.dumps({"index": index, "at_s": float(at_s), "boxes": boxes}))
    clip.with_name(f"{name}.truth.yaml").write_text("\n".join(lines) + "\n")


def packet_places(clip: Path) -> list[tuple[int, int]]:
    """Return position and size in bytes of every packet of the clip, in file order."""
    with av.open(str(clip)) as container:
        return [(packet.pos or 0, packet.size) for packet in container.demux(video=0) if packet.size]


def damage(whole: Path, out: Path, *, frame: int) -> None:
    """`out` is `whole` with 64 bytes in the middle of one frame turned over."""
    position, size = packet_places(whole)[frame]
    content = bytearray(whole.read_bytes())
    start = position + size // 2
    stop = min(start + 64, position + size)
    content[start:stop] = bytes(byte ^ 0x5A for byte in content[start:stop])
    out.write_bytes(content)


def cut(whole: Path, out: Path, *, frame: int) -> None:
    """`out` is `whole` up to the middle of one frame."""
    position, size = packet_places(whole)[frame]
    out.write_bytes(whole.read_bytes()[: position + size // 2])


def build(folder: Path) -> None:
    """All clips and truth files are in `folder`."""
    for scene in scenes():
        clip = folder / f"{scene.name}.mp4"
        draw_clip(scene, clip)
        write_truth(scene, clip, name=scene.name, about=scene.about, more={})
    walk, whole = scenes()[0], folder / "line_crossing.mp4"
    damaged, truncated = folder / "damaged.mp4", folder / "truncated.mp4"
    damage(whole, damaged, frame=35)
    about = "The clip line_crossing with frame 35 damaged; the pictures up to the next keyframe, 40, build on it."
    write_truth(walk, damaged, name="damaged", about=about, more={"unusable_frames": [35, 36, 37, 38, 39]})
    cut(whole, truncated, frame=70)
    about = "The clip line_crossing, cut off in the middle of frame 70."
    write_truth(walk, truncated, name="truncated", about=about, more={"unusable_frames": list(range(70, 110))})


def main() -> int:
    """The clips are drawn where `--out` says."""
    parser = argparse.ArgumentParser(description="Draw the synthetic clips and their truth files.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    build(folder)
    sizes = {path.name: path.stat().st_size for path in sorted(folder.glob("*.mp4"))}
    sys.stdout.write("".join(f"{name}: {size} bytes\n" for name, size in sizes.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
