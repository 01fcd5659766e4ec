"""A settings file that is edited in every way that editors know."""

import os
from pathlib import Path

from winnow.runtime.file_watch import LOOK_EVERY_S, FileWatch
from winnow.runtime.testing import ManualClock


def looks(watch: FileWatch, clock: ManualClock, times: int) -> list[bool]:
    """Return what each of several looks in turn says."""
    answers = []
    for _ in range(times):
        clock.advance(LOOK_EVERY_S)
        answers.append(watch.has_changed())
    return answers


def watched(folder: Path) -> tuple[Path, FileWatch, ManualClock]:
    """Return a file with a watch on it."""
    path, clock = folder / "edge.yaml", ManualClock()
    path.write_text("a: 1\n")
    return path, FileWatch(path, clock), clock


def test_untouched_file_has_not_changed(tmp_path: Path) -> None:
    """Nothing is reported for a file that nobody writes."""
    _, watch, clock = watched(tmp_path)
    assert looks(watch, clock, 3) == [False, False, False]


def test_write_is_reported_once_it_is_over(tmp_path: Path) -> None:
    """A change is reported at the second look that finds it the same, and then no more."""
    path, watch, clock = watched(tmp_path)
    path.write_text("a: 12\n")
    assert looks(watch, clock, 3) == [False, True, False]


def test_file_that_grows_is_left_alone(tmp_path: Path) -> None:
    """While each look finds another size, the file is not whole yet."""
    path, watch, clock = watched(tmp_path)
    answers = []
    for length in range(10, 14):
        path.write_text("x" * length)
        answers += looks(watch, clock, 1)
    assert answers == [False] * 4
    assert looks(watch, clock, 1) == [True]


def test_rename_over_the_file_is_a_change_though_size_and_time_are_the_same(tmp_path: Path) -> None:
    """Editors write a new file and rename it over the old one: the inode tells."""
    path, watch, clock = watched(tmp_path)
    new = tmp_path / ".edge.yaml.new"
    new.write_text("b: 2\n")
    os.utime(new, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    new.replace(path)
    assert looks(watch, clock, 3) == [False, True, False]


def test_file_that_is_away_for_a_moment_is_reported_when_it_is_back(tmp_path: Path) -> None:
    """A gap between deleting and writing is no change; the file after it is."""
    path, watch, clock = watched(tmp_path)
    path.unlink()
    assert looks(watch, clock, 3) == [False, False, False]
    path.write_text("c: 30\n")
    assert looks(watch, clock, 3) == [False, True, False]


def test_link_that_points_elsewhere_is_a_change(tmp_path: Path) -> None:
    """A mounted settings folder is swapped by its link; the path stays."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "edge.yaml").write_text(f"# {name}\n")
    link, clock = tmp_path / "now", ManualClock()
    link.symlink_to("one")
    watch = FileWatch(link / "edge.yaml", clock)
    link.unlink()
    link.symlink_to("two")
    assert looks(watch, clock, 2) == [False, True]


def test_file_that_somebody_reads_anyway_is_not_reported(tmp_path: Path) -> None:
    """A command that reads the file takes note of it."""
    path, watch, clock = watched(tmp_path)
    path.write_text("d: 40\n")
    watch.take_note()
    assert looks(watch, clock, 2) == [False, False]
