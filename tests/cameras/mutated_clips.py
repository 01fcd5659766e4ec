"""Recordings that were damaged on their way, by the hundred, through the whole pipeline.

`python -m tests.cameras.mutated_clips 1000` prints what became of each kind. It fails if an event was made up, except
in H.265 with flipped bits: its decoder takes any bits for a picture and marks nothing, so nobody can tell.

Every clip follows from its number alone. Half of them show a scene in which nothing happens, watched by the packaged
model: any object there was made up by damage. The others show one box that crosses a line once, watched by a detector
that takes any patch of strong colour for an object.
"""

import math
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event as Flag
from typing import TYPE_CHECKING, Final, Literal

from tests.cameras.footage import encode
from winnow.detectors.catalogue import open_detector
from winnow.events import Event
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.event_maker import Message
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings, LineSettings
from winnow.pipeline.sources import FileSource, SourceError
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.testing import ManualClock

if TYPE_CHECKING:
    from winnow.detectors import Detector

SAMPLES: Final = Path(__file__).parents[2] / "sample_videos"
FORMS: Final = (("h264", "ts"), ("hevc", "ts"), ("mjpeg", "mkv"), ("h264", "mkv"), ("hevc", "mkv"), ("mjpeg", "avi"))
SCENES: Final = ("still", "line_crossing")
TRANSPORT_PACKET: Final = 188
LEAST, MOST = 1e-5, 1e-2
"""Share of the bits that are flipped, or of the transport packets that are lost."""

Mutation = Literal["flipped", "lost", "truncated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one clip.

    Attributes:
        number: makes the clip again.
        scene: which footage it was.
        codec: of the footage.
        mutation: what was done to it.
        share: of the bits, the packets, or of the file that is left.
        is_unreadable: the source said that not one frame can be had.
        frames: pictures that were handed out.
        damaged: pictures that were left out.
        objects: objects that the pipeline reported.
        crossings: line crossings that it reported.
        cpu_s: CPU seconds that it took.
    """

    number: int
    scene: str
    codec: str
    mutation: Mutation
    share: float
    is_unreadable: bool
    frames: int
    damaged: int
    objects: int
    crossings: int
    cpu_s: float

    @property
    def is_recognisable(self) -> bool:
        """Whether the decoder or the container can tell that something is wrong."""
        return (self.codec, self.mutation) != ("hevc", "flipped")

    @property
    def is_made_up(self) -> bool:
        """Whether something was reported that is not in the footage: an object in an empty scene, a second crossing."""
        return self.objects > 0 if self.scene == "still" else self.crossings > 1


def mutate(whole: bytes, mutation: Mutation, share: float, random: Random) -> bytes:
    """Return the damaged bytes."""
    if mutation == "truncated":
        return whole[: round(len(whole) * share)]
    if mutation == "lost":
        starts = range(0, len(whole), TRANSPORT_PACKET)
        return b"".join(whole[at : at + TRANSPORT_PACKET] for at in starts if random.random() >= share)
    damaged = bytearray(whole)
    for _ in range(max(1, round(8 * len(whole) * share))):
        bit = random.randrange(8 * len(whole))
        damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


class Bench:
    """Watches mutated clips one after the other.

    Args:
        folder: for the clips.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._whole: dict[tuple[str, str, str], bytes] = {}
        self._detectors: dict[str, Detector] = {"still": open_detector(), "line_crossing": ColourBoxDetector()}

    def outcome(self, number: int) -> Outcome:
        """Return what becomes of a clip."""
        random = Random(number)
        scene, (codec, container) = SCENES[number % 2], FORMS[number // 2 % len(FORMS)]
        mutation = self._mutation(random, container)
        share = (
            random.random() if mutation == "truncated" else math.exp(random.uniform(math.log(LEAST), math.log(MOST)))
        )
        clip = self._folder / f"mutated.{container}"
        clip.write_bytes(mutate(self._bytes(scene, codec, container), mutation, share, random))
        messages: list[Message] = []
        camera = self._camera(scene, clip, messages)
        started_s, is_unreadable = time.process_time(), False
        try:
            camera.run(Flag())
        except SourceError:
            is_unreadable = True
        stats = camera.source.stats
        kinds = [message.kind for message in messages if isinstance(message, Event)]
        damaged = stats.frames_dropped.get("damaged", 0)
        return Outcome(
            number=number,
            scene=scene,
            codec=codec,
            mutation=mutation,
            share=share,
            is_unreadable=is_unreadable,
            frames=stats.frames_decoded - damaged,
            damaged=damaged,
            objects=kinds.count("object.started"),
            crossings=kinds.count("line.crossed"),
            cpu_s=time.process_time() - started_s,
        )

    @staticmethod
    def _mutation(random: Random, container: str) -> Mutation:
        kinds: tuple[Mutation, ...] = (
            ("lost", "flipped", "lost", "truncated") if container == "ts" else ("flipped",) * 3
        )
        return random.choice((*kinds, "truncated"))

    def _bytes(self, scene: str, codec: str, container: str) -> bytes:
        form = (scene, codec, container)
        if form not in self._whole:
            path = self._folder / f"{scene}-{codec}.{container}"
            self._whole[form] = encode(path, codec, clip=SAMPLES / f"{scene}.mp4").read_bytes()
        return self._whole[form]

    def _camera(self, scene: str, clip: Path, messages: list[Message]) -> Camera:
        line = {"line": LineSettings(points=((0.5, 1.0), (0.5, 0.0)))} if scene == "line_crossing" else {}
        return Camera(
            CameraPlan(node="n", name="c", settings=CameraSettings(source="c", lines=line), footage=str(clip)),
            source=FileSource(clip),
            detector=self._detectors[scene],
            accept=messages.extend,
            clock=ManualClock(),
            pace=Pace(None),
        )


def outcomes(numbers: Iterable[int]) -> Iterator[Outcome]:
    """Return what becomes of these clips."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for number in numbers:
            yield bench.outcome(number)


def main() -> int:
    """Print a line for each codec and mutation, and one for each clip that brought made-up events."""
    totals: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for one in outcomes(range(int(sys.argv[1]))):
        totals[one.codec, one.mutation].append(one)
    for (codec, mutation), group in sorted(totals.items()):
        print(  # noqa: T201 - a command's answer
            f"{codec:6}{mutation:10}{len(group):5} clips, {sum(one.is_unreadable for one in group):4} unreadable,"
            f"{sum(one.frames for one in group):7} pictures used,{sum(one.damaged for one in group):7} left out,"
            f" slowest {max(one.cpu_s for one in group):.1f} s CPU"
        )
    made_up = [one for group in totals.values() for one in group if one.is_made_up]
    for one in made_up:
        print("made up:", one)  # noqa: T201
    wrong = [one for one in made_up if one.is_recognisable]
    print(f"{len(made_up)} clips with made-up events, {len(wrong)} of them recognisable")  # noqa: T201
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
