"""The demo as a newcomer starts it: one command, then events in the terminal and on the page."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import httpx
import pytest
from playwright.sync_api import Page, expect

SECONDS = 12


@pytest.fixture(scope="module")
def short_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first seconds of the street clip, cut without encoding anew."""
    street = Path(__file__).parent.parent.parent / "sample_videos" / "street.mp4"
    path = tmp_path_factory.mktemp("clips") / "Short Street.mp4"
    with av.open(str(street)) as source, av.open(str(path), "w") as target:
        video = source.streams.video[0]
        copy = target.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.pts is None or packet.pts * packet.time_base >= SECONDS:
                break
            packet.stream = copy
            target.mux(packet)
    return path


@contextmanager
def _demo(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the demo on a free port; yield its process and the link to the page; stop it in the end."""
    command = [sys.executable, "-m", "winnow.cli", "demo", *map(str, arguments), "--port", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/welcome/\S+", first)
        try:
            assert found, first + process.stderr.read()
            yield process, found[0]
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)


def test_demo_ends_with_its_figures(short_clip: Path) -> None:
    """Events come to the terminal; the summary tells what was saved, and that nothing is missing."""
    with _demo(short_clip, "--exit-when-done") as (process, _):
        output, errors = process.communicate(timeout=90)
    assert process.returncode == 0
    assert output.count("object.started") >= 3
    assert output.count("object.started") == output.count("object.ended")
    assert re.search(r"saved +[\d.]+ %, a factor of \d+", errors)
    assert "every sequence number arrived" in errors


def test_page_of_the_demo_shows_events_while_they_happen(short_clip: Path, chromium_page: Page) -> None:
    """A browser that opens the printed link is logged in, and sees people appear with their thumbnails; once."""
    with _demo(short_clip) as (process, address):
        chromium_page.goto(address)
        picture = chromium_page.locator("img[src*='/thumbnails/']").first
        expect(picture).to_be_visible(timeout=40_000)
        expect(chromium_page.locator("body")).to_contain_text("short-street")
        assert picture.evaluate("image => image.naturalWidth") > 0
        assert httpx.get(address).status_code == 401, "the link is good once"
        assert httpx.get(f"{address.partition('welcome')[0]}api/events").status_code == 401
        started_s = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert time.monotonic() - started_s <= 15
    assert process.returncode == 0


def test_missing_video_is_one_line() -> None:
    """Exit code 2, before anything is started."""
    command = [sys.executable, "-m", "winnow.cli", "demo", "nowhere.mp4"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert result.stderr.strip() == "error: nowhere.mp4: no such file; name a video"
