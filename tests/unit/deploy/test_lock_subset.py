"""An image's share of the lock file keeps its hashes."""

import json
from pathlib import Path
from typing import Final

import pytest

from scripts.lock_subset import locked_entries, normalised, subset

LOCK: Final = """\
alpha==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via winnow
beta-gamma==2.1 ; sys_platform == 'linux' \\
    --hash=sha256:bb
    # via
    #   alpha
    #   winnow
delta[binary]==3 \\
    --hash=sha256:cc
epsilon==1 ; python_full_version < '3.12' \\
    --hash=sha256:ee
epsilon==2 ; python_full_version >= '3.12' \\
    --hash=sha256:ef
"""


def report(*names: str) -> str:
    """Return pip's installation report for these distributions."""
    return json.dumps({"install": [{"metadata": {"name": name, "version": "0"}} for name in names]})


def test_subset_keeps_the_whole_entry_of_what_is_needed_and_nothing_else() -> None:
    """Marker, every hash and the extra stay; other entries and the project itself go."""
    kept = subset(LOCK, report("Beta_Gamma", "delta", "winnow"))

    beta = "beta-gamma==2.1 ; sys_platform == 'linux' \\\n    --hash=sha256:bb\n"
    assert kept == beta + "delta[binary]==3 \\\n    --hash=sha256:cc\n"


def test_subset_refuses_what_is_not_locked() -> None:
    """A dependency without an entry ends the build instead of coming unchecked."""
    with pytest.raises(KeyError, match="zeta"):
        subset(LOCK, report("alpha", "zeta"))


def test_subset_keeps_every_variant_of_what_differs_between_pythons() -> None:
    """The installer chooses by marker, so it needs both entries."""
    kept = subset(LOCK, report("epsilon"))

    assert "epsilon==1 ;" in kept
    assert "epsilon==2 ;" in kept


def test_every_entry_of_the_real_lock_is_found_with_its_hashes() -> None:
    """No pinned line is lost, and each distribution has at least one hash."""
    lock = (Path(__file__).parents[3] / "requirements.lock").read_text(encoding="utf-8")
    pinned = [line for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))]

    entries = locked_entries(lock)

    assert all(any(line in entry for entry in entries.values()) for line in pinned)
    assert {line.split("==")[0].split("[")[0] for line in pinned} == set(entries)
    assert all("--hash=sha256:" in entry for entry in entries.values())


@pytest.mark.parametrize(
    ("written", "same"), [("Typing_Extensions", "typing-extensions"), ("zope.event", "zope-event")]
)
def test_names_have_one_spelling(written: str, same: str) -> None:
    """Case, dots, dashes and underscores do not tell distributions apart."""
    assert normalised(written) == same
