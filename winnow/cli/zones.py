"""`winnow zones`: draw zones, lines and masks on a snapshot of a camera, get the YAML."""

import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from winnow.cli.check import load_edge_settings, pick_camera, snapshot_of
from winnow.cli.console import error_console, fail

if TYPE_CHECKING:
    from winnow.pipeline.settings import CameraSettings
    from winnow.pipeline.zone_page import Snapshot, ZonePage

_JPEG_QUALITY: Final = 90


def zones(  # noqa: PLR0913 - one argument an option
    config: Annotated[Path, typer.Option("-c", "--config", help="The edge's settings.")] = Path("edge.yaml"),
    *,
    camera: Annotated[str | None, typer.Option(help="Which camera; needed when there are several.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A new file into which the page may save the YAML; never the settings themselves."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on loopback; 0 picks a free one.")] = 0,
    at: Annotated[float, typer.Option(min=0, help="Seconds into a recording at which the snapshot is taken.")] = 0.0,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in this machine's browser.")] = False,
) -> None:
    """Draw zones, lines and masks on a snapshot of a camera, and get the YAML for the settings.

    The page is served on this machine only, under an address that nobody can guess, until you press Done there or
    Ctrl-C here. The snapshot is an unredacted picture; it goes to that page and nowhere else. On Done the YAML is
    printed; the settings file is left as it is.

    [bold]Examples[/]

      winnow zones -c edge.yaml --camera door
      ssh -L 8099:127.0.0.1:8099 box winnow zones --port 8099
    """
    from winnow.pipeline.zone_page import ZonePage, zone_page  # noqa: PLC0415 - keeps `winnow --help` fast

    settings = load_edge_settings(config)
    name = pick_camera(settings, camera)
    if out is not None and out.exists():
        fail(f"--out {out}: exists; name a new file")
    looked_for = settings.cameras[name]
    page = ZonePage(
        camera=name,
        settings=looked_for,
        labels=looked_for.labels,
        snapshot=_snapshot(name, looked_for, at),
        keep=None if out is None else lambda text: _save(out, text),
        saves_to=None if out is None else str(out),
    )
    try:
        with zone_page(page, port=port) as address:
            _wait(page, address, opens=open_browser)
    except OSError as exc:
        fail(f"--port {port}: {exc.strerror}")
    except KeyboardInterrupt:
        error_console().print("stopped; nothing was printed")
        raise typer.Exit(130) from None
    sys.stdout.write(page.result[0])


def _wait(page: "ZonePage", address: str, *, opens: bool) -> None:
    error_console().print(f"Draw on [bold]{address}[/]", soft_wrap=True)
    error_console().print("Only this machine can open it. Press Done there, or Ctrl-C here.")
    if opens:
        webbrowser.open(address)
    while not page.done.wait(0.5):
        pass


def _snapshot(name: str, settings: "CameraSettings", at_s: float) -> "Snapshot":
    """Return one frame of the camera as a JPEG: for the page alone, and so not redacted."""
    import cv2  # noqa: PLC0415

    from winnow.pipeline.zone_page import Snapshot  # noqa: PLC0415

    frame = snapshot_of(name, settings, at_s)
    encoded, jpeg = cv2.imencode(".jpg", frame.bgr(), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not encoded:
        fail(f"camera {name}: its frame cannot be shown")
    return Snapshot(content_type="image/jpeg", content=jpeg.tobytes(), width=frame.width, height=frame.height)


def _save(out: Path, text: str) -> None:
    """The file holds the text or, after a crash, what it held before."""
    partial = out.with_name(f".{out.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(out)
