"""What was drawn becomes settings, and nothing else of the settings is lost."""

from typing import Any

import msgspec
import pytest
import yaml

from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.zone_page import PlanProblemsError, plan_of, settings_of, yaml_of
from winnow.pipeline.zone_page.plan import Plan, decode_plan

TRIANGLE = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.8]]
GIVEN: dict[str, Any] = {
    "source": "door.mp4",
    "zones": {
        "yard": {
            "points": TRIANGLE,
            "labels": ["person"],
            "dwell_s": 30.0,
            "occupancy": {"threshold": 3},
            "filter": {"max_area": 0.5},
            "schedule": {"hours": [{"days": ["mon"], "start": "18:30", "end": "06:00"}]},
        },
        "drive": {"points": TRIANGLE},
    },
    "lines": {"gate": {"points": [[0.1, 0.2], [0.3, 0.4]], "direction": "in", "cool_down_s": 5.0}},
    "sequences": {"arrival": {"zones": ["drive", "yard"]}},
    "motion": {"threshold": 30, "masks": [TRIANGLE]},
    "thumbnails": {"redaction": "people", "masks": [TRIANGLE]},
}
BEFORE = CameraSettings.model_validate(GIVEN)


def replaced(**parts: Any) -> Plan:
    """Return the plan of the settings with some of its parts exchanged."""
    return msgspec.structs.replace(plan_of(BEFORE), **parts)


def test_nothing_drawn_changes_nothing() -> None:
    """Opening the page and pressing Done gives the settings as they were."""
    assert settings_of(plan_of(BEFORE), BEFORE) == BEFORE


def test_yaml_says_what_the_settings_say() -> None:
    """Read again, it is what the settings place in the picture, quoted where YAML would misread it."""
    text = yaml_of("door", BEFORE)
    document = yaml.safe_load(text)["cameras"]["door"]
    assert document == {
        "zones": GIVEN["zones"],
        "lines": GIVEN["lines"],
        "motion": {"masks": [TRIANGLE]},
        "thumbnails": {"masks": [TRIANGLE]},
    }
    assert "        points: [[0.1, 0.1], [0.9, 0.1], [0.5, 0.8]]\n        labels: [person]\n" in text


def test_yaml_of_nothing_is_still_yaml() -> None:
    """A camera without rules has none to tell of."""
    assert yaml.safe_load(yaml_of("door", CameraSettings(source="x"))) is None


def test_renamed_zone_keeps_what_was_not_drawn() -> None:
    """A shape is known by the name it had; corners are rounded to a fraction of a pixel."""
    first, drive = plan_of(BEFORE).zones
    moved = msgspec.structs.replace(first, name="garden", points=[(0.123456, 0.1), (0.9, 0.1), (0.5, 0.8)])
    before = BEFORE.model_copy(update={"sequences": {}})
    after = settings_of(replaced(zones=[moved, drive]), before)
    assert list(after.zones) == ["garden", "drive"]
    assert after.zones["garden"].points[0] == (0.1235, 0.1)
    assert after.zones["garden"].occupancy == BEFORE.zones["yard"].occupancy
    assert (after.motion.threshold, after.thumbnails.redaction) == (30, "people")


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (replaced(zones=plan_of(BEFORE).zones[:1]), "sequences: arrival.zones: no zone 'drive'"),
        (replaced(zones=plan_of(BEFORE).zones[:1] * 2), "zones.yard: two zones have this name"),
        (replaced(motion_masks=[[(0.1, 0.1), (0.2, 0.2)]]), "motion.masks.0: a polygon needs at least 3 points"),
        (replaced(lines=[msgspec.structs.replace(plan_of(BEFORE).lines[0], name="A b")]), "is no name"),
    ],
)
def test_wrong_plan_is_refused_by_key(plan: Plan, said: str) -> None:
    """With the words that the settings file would get."""
    with pytest.raises(PlanProblemsError) as raised:
        settings_of(plan, BEFORE)
    assert said in str(raised.value)


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff", b'{"zones": 3}', b'{"zones":[],"lines":[],"more":1}'])
def test_anything_else_is_no_plan(body: bytes) -> None:
    """What the page would never send is refused, not guessed."""
    with pytest.raises(PlanProblemsError, match="not a plan"):
        decode_plan(body)
