"""The proof, over the source of the pipeline, that pixels become bytes in one place, and only redacted ones."""

import ast
from collections.abc import Iterator
from pathlib import Path

import winnow
import winnow.pipeline

PROJECT = Path(winnow.__file__).parent
PIPELINE = Path(winnow.pipeline.__file__).parent
ENCODE = "thumbnails/encode.py"
REDACTION = "thumbnails/redaction.py"

TURNS_PIXELS_INTO_BYTES = {
    "dump",
    "dumps",
    "imencode",
    "imencodemulti",
    "imwrite",
    "imwritemulti",
    "save",
    "savez",
    "savez_compressed",
    "savetxt",
    "to_image",
    "tobytes",
    "tofile",
    "tostring",
    "VideoWriter",
    "b64encode",
}
"""What OpenCV, numpy, Pillow and PyAV offer for it."""

MAKES_PICTURES = {name for name in TURNS_PIXELS_INTO_BYTES if name.startswith("im")} | {"to_image", "VideoWriter"}


def calls(path: Path) -> Iterator[str]:
    """Give the name of every function or attribute that a module calls or mentions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def imports(path: Path) -> Iterator[str]:
    """Give the name of every module that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def modules_that_mention(names: set[str]) -> set[str]:
    """Return the modules of the pipeline, by path, in which one of the names occurs."""
    return {
        path.relative_to(PIPELINE).as_posix() for path in PIPELINE.rglob("*.py") if not names.isdisjoint(calls(path))
    }


def test_pixels_become_bytes_in_one_module_only() -> None:
    """Nothing else in the pipeline calls an encoder, or anything else that turns an array into bytes."""
    assert modules_that_mention(TURNS_PIXELS_INTO_BYTES) == {ENCODE}


def test_one_function_encodes_and_it_takes_redacted_images() -> None:
    """The only public function of the module takes a `RedactedImage`, and only that."""
    tree = ast.parse((PIPELINE / ENCODE).read_text())
    public = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    assert [function.name for function in public] == ["encode_jpeg"]
    first = public[0].args.args
    assert [ast.unparse(argument.annotation) for argument in first if argument.annotation] == ["RedactedImage"]


def test_only_redaction_makes_redacted_images() -> None:
    """`RedactedImage(…)` is written once, where the redaction ends."""
    makers = {
        path.relative_to(PIPELINE).as_posix(): calls_made
        for path in PIPELINE.rglob("*.py")
        if (calls_made := sum(_makes_redacted_image(node) for node in ast.walk(ast.parse(path.read_text()))))
    }
    assert makers == {REDACTION: 1}


def test_commands_that_show_whole_pictures_are_known() -> None:
    """Outside of the pipeline three commands make pictures of frames, for the person who types them."""
    makers = {
        path.relative_to(PROJECT).as_posix()
        for path in PROJECT.rglob("*.py")
        if not path.is_relative_to(PIPELINE) and not MAKES_PICTURES.isdisjoint(calls(path))
    }
    assert makers == {"cli/check.py", "cli/model_detect.py", "cli/zones.py"}


def test_snapshot_goes_to_the_zone_page_alone() -> None:
    """Only `winnow zones` makes one and serves it, and neither it nor the page knows a way to the broker."""
    assert {path.name for path in PROJECT.rglob("*.py") if "Snapshot" in calls(path)} - {"__init__.py"} == {
        "server.py",
        "zones.py",
    }
    for path in (PROJECT / "cli/zones.py", *(PIPELINE / "zone_page").glob("*.py")):
        assert not [name for name in imports(path) if "delivery" in name or "mqtt" in name or "edge_outbox" in name]


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    """A module that writes a picture is found, however it names the function."""
    module = tmp_path / "module.py"
    for source in ("import cv2\ncv2.imwrite('a', b)", "from cv2 import imwrite as w", "f = pixels.tobytes"):
        module.write_text(source)
        assert not TURNS_PIXELS_INTO_BYTES.isdisjoint(calls(module))
    module.write_text("import cv2\ncv2.resize(a, b)")
    assert TURNS_PIXELS_INTO_BYTES.isdisjoint(calls(module))


def _makes_redacted_image(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "RedactedImage"
