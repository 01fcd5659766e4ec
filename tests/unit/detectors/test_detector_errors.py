"""The detectors' errors are the tree that their module draws."""

import inspect

from winnow.detectors import errors


def test_error_tree_in_the_docstring_is_the_class_tree() -> None:
    """Every error stands in the docstring below the class that it extends."""
    classes = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__]
    drawn = _drawn_parents(errors.__doc__ or "")
    assert drawn == {cls.__name__: "" if Exception in cls.__bases__ else cls.__bases__[0].__name__ for cls in classes}


def _drawn_parents(docstring: str) -> dict[str, str]:
    parents: dict[str, str] = {}
    open_names: list[tuple[int, str]] = []
    for line in docstring.partition("Errors:\n")[2].splitlines():
        if not line.strip():
            continue
        depth, name = len(line) - len(line.lstrip()), line.split()[0]
        open_names = [entry for entry in open_names if entry[0] < depth]
        parents[name] = open_names[-1][1] if open_names else ""
        open_names.append((depth, name))
    return parents
