"""The zone page in a real Chromium: draw with pointer, finger and keys, get the YAML."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
import yaml
from playwright.sync_api import Page, expect

from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.zone_page import Snapshot, ZonePage, zone_page

WAIT_MS: Final = 10_000
SIZE: Final = (640, 480)
GIVEN: Final[dict[str, Any]] = {
    "source": "door.mp4",
    "labels": ["person", "car", "dog"],
    "zones": {"yard": {"points": [[0.1, 0.1], [0.4, 0.1], [0.4, 0.4], [0.1, 0.4]], "dwell_s": 30.0}},
    "lines": {"gate": {"points": [[0.6, 0.9], [0.6, 0.5]], "labels": ["car"]}},
    "sequences": {},
}


@pytest.fixture
def saved() -> list[str]:
    """Return what the page has saved."""
    return []


@pytest.fixture
def served(saved: list[str]) -> ZonePage:
    """Return the page of a camera with a zone and a line."""
    pixels = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    cv2.rectangle(pixels, (64, 48), (256, 192), (120, 140, 160), -1)
    jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
    return ZonePage(
        camera="door",
        settings=CameraSettings.model_validate(GIVEN),
        labels=("person", "car", "dog"),
        snapshot=Snapshot(content_type="image/jpeg", content=jpeg, width=SIZE[0], height=SIZE[1]),
        keep=saved.append,
        saves_to="zones.yaml",
    )


@pytest.fixture
def page(chromium_page: Page, served: ZonePage) -> Iterator[Page]:
    """Return the opened page, which must ask for nothing elsewhere and complain of nothing."""
    foreign: list[str] = []
    complaints: list[str] = []
    with zone_page(served) as address:
        host = urlsplit(address).netloc
        chromium_page.on("request", lambda one: foreign.append(one.url) if urlsplit(one.url).netloc != host else None)
        chromium_page.on("console", lambda one: complaints.append(one.text) if one.type != "log" else None)
        chromium_page.set_default_timeout(WAIT_MS)
        expect.set_options(timeout=WAIT_MS)
        chromium_page.goto(address)
        expect(chromium_page.locator("#shapes > li")).to_have_count(2)
        expect(chromium_page.locator("#yaml")).to_contain_text("cameras:")
        yield chromium_page
        chromium_page.goto("about:blank")
    assert foreign == []
    assert complaints == []


def drawn(page: Page) -> dict[str, Any]:
    """Return the camera's part of the YAML that the page shows."""
    settings: dict[str, Any] = yaml.safe_load(page.locator("#yaml").inner_text())["cameras"]["door"]
    return settings


def click_at(page: Page, *places: tuple[float, float]) -> None:
    """Click in the picture, at shares of its width and height."""
    for x, y in places:
        box = page.locator("#drawing").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def near(points: list[list[float]], expected: list[list[float]]) -> bool:
    """Return whether corners are where they should be, to the pixels of the screen."""
    return np.allclose(points, expected, atol=0.004)


def test_page_shows_what_the_settings_place(page: Page, served: ZonePage) -> None:
    """Snapshot, shapes and names are there; the YAML says what the settings say."""
    assert page.locator("#snapshot").evaluate("image => image.naturalWidth") == SIZE[0]
    assert page.locator("#drawing .shape text").all_text_contents()[:1] == ["yard"]
    assert drawn(page) == {"zones": GIVEN["zones"], "lines": GIVEN["lines"]}
    expect(page.locator("#camera")).to_have_text(served.camera)


def test_zone_is_clicked_named_and_labelled(page: Page) -> None:
    """Corners by clicks, closed by a click on the first; then a name and a label; the old zone keeps its dwell."""
    corners = [[0.5, 0.1], [0.9, 0.15], [0.85, 0.4]]
    page.click("[data-tool=zone]")
    click_at(page, *[(x, y) for x, y in corners], (0.502, 0.102))
    page.fill("[data-key='name 2']", "drive")
    page.locator("#shapes li").nth(2).get_by_label("person").check()
    expect(page.locator("#yaml")).to_contain_text("labels: [person]")
    zones = drawn(page)["zones"]
    assert zones["yard"] == GIVEN["zones"]["yard"]
    assert near(zones["drive"].pop("points"), corners)
    assert zones["drive"] == {"labels": ["person"]}


def test_line_tells_its_sides(page: Page) -> None:
    """Two clicks make a line; swapping its sides turns it round; its direction can be chosen."""
    page.click("[data-tool=line]")
    click_at(page, (0.5, 0.8), (0.5, 0.2))
    expect(page.locator("#yaml")).to_contain_text("line-1")
    assert near(drawn(page)["lines"]["line-1"]["points"], [[0.5, 0.8], [0.5, 0.2]])
    page.click("[data-key='turn 2']")
    page.select_option("[data-key='direction 2']", "in")
    expect(page.locator("#yaml")).to_contain_text("direction: in")
    assert near(drawn(page)["lines"]["line-1"]["points"], [[0.5, 0.2], [0.5, 0.8]])


def test_corner_is_dragged_and_undone(page: Page) -> None:
    """A whole drag is one step back; redo makes it again."""
    click_at(page, (0.25, 0.25))
    box = page.locator("#drawing").bounding_box()
    assert box is not None
    y = box["y"] + 0.4 * box["height"]
    page.mouse.move(box["x"] + 0.4 * box["width"], y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(box["x"] + (0.4 + 0.02 * step) * box["width"], y)
    page.mouse.up()
    expect(page.locator("#yaml")).to_contain_text("[0.5")
    assert near(drawn(page)["zones"]["yard"]["points"], [[0.1, 0.1], [0.4, 0.1], [0.5, 0.4], [0.1, 0.4]])
    page.click("#undo")
    expect(page.locator("#yaml")).not_to_contain_text("[0.5")
    assert drawn(page)["zones"] == GIVEN["zones"]
    page.keyboard.press("Control+y")
    expect(page.locator("#yaml")).to_contain_text("[0.5")


def test_everything_works_by_keyboard(page: Page) -> None:
    """A mask is drawn with arrow keys, space and enter; a corner is moved and removed."""
    page.locator("[data-tool=privacy]").focus()
    page.keyboard.press("Enter")
    for keys in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        for _ in range(10):
            page.keyboard.press(keys)
        page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.locator("#yaml")).to_contain_text("    thumbnails:")
    assert drawn(page)["thumbnails"]["masks"] == [[[0.6, 0.5], [0.6, 0.6], [0.5, 0.6]]]
    page.locator(".corner").first.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("#yaml")).to_contain_text("[0.598, 0.49]")
    page.keyboard.press("Delete")
    expect(page.locator("#yaml")).not_to_contain_text("    thumbnails:")


def test_what_is_wrong_is_said(page: Page, served: ZonePage) -> None:
    """A bad name and a zone that crosses itself come in the words of the settings; Done waits until all is right."""
    page.fill("[data-key='name 0']", "My Yard")
    expect(page.get_by_role("alert")).to_contain_text("is no name")
    page.click("#done")
    assert not served.done.is_set()
    page.fill("[data-key='name 0']", "gate-yard")
    expect(page.locator("#problems")).to_be_hidden()
    page.click("[data-tool=zone]")
    click_at(page, (0.5, 0.1), (0.9, 0.4), (0.9, 0.1), (0.5, 0.3))
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("the polygon crosses itself")


def test_hostile_name_stays_text(page: Page) -> None:
    """Markup in a name is shown as it is, and never runs."""
    page.fill("[data-key='name 0']", "<img src=x onerror=document.title=1>")
    expect(page.get_by_role("alert")).to_contain_text("<img src=x")
    assert page.locator("img").count() == 1
    assert page.title() == "Zones and lines"


def test_save_and_done_hand_the_yaml_over(page: Page, served: ZonePage, saved: list[str]) -> None:
    """Save writes what is shown; Done gives it to the command and ends the page."""
    page.click("#save")
    expect(page.locator("#outcome")).to_have_text("Saved to zones.yaml.")
    page.click("#done")
    expect(page.locator("#outcome")).to_contain_text("The terminal has the YAML")
    assert served.done.wait(5)
    assert saved == served.result == [page.locator("#yaml").text_content()]


@pytest.mark.parametrize("width", [1280, 390])
def test_page_fits_its_width(page: Page, width: int) -> None:
    """Nothing sticks out sideways; on a phone every button is as high as a finger is wide."""
    page.set_viewport_size({"width": width, "height": 844})
    page.fill("[data-key='name 0']", "a-very-long-name-of-a-zone-for-the-yard")
    expect(page.locator("#yaml")).to_contain_text("a-very-long-name")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    heights = [box["height"] for one in page.locator("button:visible").all() if (box := one.bounding_box())]
    assert min(heights) >= (44 if width < 600 else 38)


def test_finger_draws_a_zone(page: Page) -> None:
    """Touches set corners as clicks do."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.click("[data-tool=motion]")
    page.evaluate(
        """() => {
          const drawing = document.querySelector("#drawing");
          const box = drawing.getBoundingClientRect();
          for (const [x, y] of [[0.5, 0.5], [0.7, 0.5], [0.7, 0.8]]) {
            const at = { clientX: box.left + x * box.width, clientY: box.top + y * box.height };
            const touch = { pointerId: 1, pointerType: "touch", isPrimary: true, button: 0, bubbles: true, ...at };
            for (const kind of ["pointerdown", "pointerup"]) drawing.dispatchEvent(new PointerEvent(kind, touch));
          }
        }"""
    )
    page.keyboard.press("Enter")
    expect(page.locator("#yaml")).to_contain_text("motion:")
    assert near(drawn(page)["motion"]["masks"][0], [[0.5, 0.5], [0.7, 0.5], [0.7, 0.8]])


def test_picture_of_the_page(page: Page, tmp_path: Path) -> None:
    """The page can be looked at: it is not blank."""
    picture = tmp_path / "page.png"
    page.screenshot(path=picture)
    shown = cv2.imread(str(picture))
    assert shown is not None
    assert shown.std() > 10
