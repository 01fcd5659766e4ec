"""The tree of source errors."""

import inspect

from winnow.pipeline.decoder import errors


def _drawn_tree(docstring: str) -> dict[str, str]:
    """Return parent by child, read from the indentation below `Errors:`."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in docstring.partition("Errors:\n")[2].splitlines():
        if not line.strip():
            continue
        indent, name = len(line) - len(line.lstrip()), line.split()[0]
        while above and above[-1][0] >= indent:
            above.pop()
        parents[name] = above[-1][1] if above else "Exception"
        above.append((indent, name))
    return parents


def test_error_tree_is_drawn_in_the_module_docstring() -> None:
    """The docstring names every error class and its parent."""
    classes = [
        member for _, member in inspect.getmembers(errors, inspect.isclass) if member.__module__ == errors.__name__
    ]
    assert _drawn_tree(errors.__doc__ or "") == {cls.__name__: cls.__base__.__name__ for cls in classes if cls.__base__}


def test_source_error_message_begins_with_the_source() -> None:
    """Whoever reads the message sees first which source is meant."""
    error = errors.SourceNotFoundError("yard.mp4", "no such file; check the path")
    assert str(error) == "yard.mp4: no such file; check the path"
    assert error.source == "yard.mp4"
