"""`edge.yaml`: what is refused, and how it is said."""

from pathlib import Path

import pytest

from winnow.pipeline.settings import EdgeSettings, check_labels
from winnow.runtime.settings import SettingsError, load_settings

CAMERA = "cameras:\n  door:\n    source: door.mp4\n"
ZONE = CAMERA + "    zones: {z: {points: [[0, 0], [1, 1], [1, 0]], "


def _load(directory: Path, text: str) -> EdgeSettings:
    path = directory / "edge.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, EdgeSettings)


def test_one_source_is_enough(tmp_path: Path) -> None:
    """Everything but a camera's source has a default."""
    settings = _load(tmp_path, CAMERA)
    assert settings.cameras["door"].analysed_fps == 5
    assert settings.cameras["door"].thumbnails.redaction == "heads"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cameras: {}\n", "cameras: .*at least 1"),
        ("node: Not A Name\n" + CAMERA, "node: .*is no name: use 1 to 40 of a-z"),
        (CAMERA + "    zones: {z: {points: [[0, 0], [1, 1]]}}\n", r"zones\.z\.points: a polygon needs at least 3"),
        (CAMERA + "    zones: {z: {points: [[0, 0], [1, 1], [0.5, 0.5]]}}\n", r"points: the polygon has no area"),
        (
            CAMERA + "    zones: {z: {points: [[0, 0], [1, 1], [1, 0], [0, 0.9]]}}\n",
            r"points: the polygon crosses itself",
        ),
        (
            CAMERA + "    zones: {z: {points: [[0, 0], [1, 1], [1, 0], [0, 1]]}}\n",
            r"points: the polygon crosses itself",
        ),
        (CAMERA + "    zones: {z: {points: [[0, 0], [1, 1], [1, 1.2]]}}\n", r"points\.2\.1: .*less than or equal to 1"),
        (CAMERA + "    lines: {l: {points: [[0.5, 0.5], [0.5, 0.5]]}}\n", r"lines\.l: points: the two ends"),
        (CAMERA + "    lines: {l: {points: [[0.5, 0.5]]}}\n", r"lines\.l\.points\.1: is missing"),
        (ZONE + "dwell_s: 0}}\n", r"zones\.z\.dwell_s: .*greater than 0"),
        (ZONE + "occupancy: {}}}\n", r"zones\.z\.occupancy\.threshold: is missing"),
        (ZONE + "filter: {min_aera: 0.1}}}\n", r"filter\.min_aera: unknown key.*did you mean min_area"),
        (ZONE + "filter: {min_area: 0.2, max_area: 0.1}}}\n", r"zones\.z\.filter: min_area is above max_area"),
        (ZONE + "schedule: {hours: [{start: 8}]}}}\n", r'hours\.0\.start: write a time of day as "HH:MM"'),
        (ZONE + "schedule: {hours: [{end: '24:30'}]}}}\n", r"hours\.0\.end: a day ends at 24:00"),
        (ZONE + "schedule: {hours: [{days: [monday]}]}}}\n", r"hours\.0\.days\.0: Input should be 'mon'"),
        (ZONE + "schedule: {hours: [{start: '08:00', end: '08:00'}]}}}\n", r"hours\.0: start and end are the same"),
        (ZONE + "schedule: {time_zone: Mars, hours: [{}]}}}\n", r"time_zone: unknown time zone; write one like Europe"),
        (ZONE + "}}\n    sequences: {s: {zones: [z]}}\n", r"sequences\.s\.zones: .*at least 2"),
        (ZONE + "}}\n    sequences: {s: {zones: [z, z]}}\n", r"sequences\.s: zones: the same zone twice in a row"),
        (
            ZONE + "}}\n    sequences: {s: {zones: [z, zz]}}\n",
            r"sequences: s\.zones: no zone 'zz' \(did you mean z\?\); this camera has z",
        ),
        (CAMERA + "    analysed_fsp: 3\n", r"cameras\.door\.analysed_fsp: unknown key.*did you mean analysed_fps"),
        (CAMERA + "    thumbnails: {redaction: faces}\n", r"redaction: .*'heads', 'people', 'none' or 'no-images'"),
        ("mqtt: {url: tcp://x}\n" + CAMERA, r"mqtt\.url: write mqtt://"),
        (
            "cameras: {c: {source: rtmp://x/y}}\n",
            r"c\.source: rtmp: is not opened; use rtsp, rtsps, http",
        ),
        ("cameras: {c: {source: 'concat:a|b'}}\n", r"c\.source: concat: is not opened"),
        ("cameras: {c: {source: rtsp:/yard}}\n", r"c\.source: no host in the URL; write rtsp://host/path"),
    ],
)
def test_wrong_setting_is_refused_by_key(tmp_path: Path, text: str, said: str) -> None:
    """The message names the key, what is wrong and what is allowed."""
    with pytest.raises(SettingsError, match=said):
        _load(tmp_path, text)


def test_polygon_that_only_touches_itself_is_right(tmp_path: Path) -> None:
    """Corners in order around the area make a polygon, convex or not."""
    text = CAMERA + "    zones: {z: {points: [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.5, 0.4], [0.1, 0.9]]}}\n"
    assert len(_load(tmp_path, text).cameras["door"].zones["z"].points) == 5


def test_times_of_day_may_be_written_without_quotes(tmp_path: Path) -> None:
    """YAML reads 18:30 as a number of minutes, which is what is meant."""
    schedule = "schedule: {hours: [{start: 18:30, end: 06:15}, {start: '9:05'}]}}}\n"
    settings = _load(tmp_path, ZONE + schedule)
    given = settings.cameras["door"].zones["z"].schedule
    assert given is not None
    assert [(hours.start, hours.end) for hours in given.hours] == [(1110, 375), (545, 1440)]
    assert given.model_dump(mode="json")["hours"][0] == {"days": [], "start": "18:30", "end": "06:15"}


def test_unknown_label_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    """Each unknown label is named with its key and the likeliest right one."""
    settings = _load(
        tmp_path,
        CAMERA + "    labels: [person, cra]\n    zones: {z: {points: [[0, 0], [1, 1], [1, 0]], labels: [horse]}}\n",
    )
    with pytest.raises(SettingsError) as raised:
        check_labels(Path("edge.yaml"), settings, ["person", "car"])
    lines = str(raised.value).splitlines()
    assert lines[0].startswith("edge.yaml: cameras.door.labels: unknown label 'cra' (did you mean car?)")
    assert lines[1].startswith("edge.yaml: cameras.door.zones.z.labels: unknown label 'horse'")
    assert "knows person, car" in lines[1]


def test_paths_start_at_the_settings_file(tmp_path: Path) -> None:
    """A settings file means the same wherever the command is typed; URLs and absolute paths stay as they are."""
    text = "model: own.yaml\nspool: {path: s/q.sqlite}\ncameras:\n  a: {source: a.mp4}\n  b: {source: 'rtsp://b/1'}\n"
    settings = _load(tmp_path, text + "  c: {source: /c.mp4}\n")
    assert [camera.source for camera in settings.cameras.values()] == [str(tmp_path / "a.mp4"), "rtsp://b/1", "/c.mp4"]
    assert (settings.model, settings.spool.path) == (str(tmp_path / "own.yaml"), tmp_path / "s/q.sqlite")
