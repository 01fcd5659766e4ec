"""The errors of delivery are those that their module's docstring draws."""

import inspect

from winnow.pipeline.delivery import errors


def test_error_tree_is_the_documented_one() -> None:
    """Same names, same order, same parent."""
    drawn = [line.split()[0] for line in str(errors.__doc__).splitlines() if line.strip().startswith("Spool")]
    classes = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, Exception)]
    by_line = sorted(classes, key=lambda one: inspect.getsourcelines(one)[1])
    assert [one.__name__ for one in by_line] == drawn
    assert {one.__base__ for one in by_line[1:]} == {errors.SpoolError}
