"""The corpus of the fuzzer, and random changes to it: no target raises what its caller is not ready for."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import CORPUS, TARGETS

FILES = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


def test_every_target_has_a_corpus() -> None:
    """A fuzzer that starts from nothing spends its minute on the first byte."""
    assert {path.parent.name for path in FILES} == set(TARGETS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_input_that_was_found_once_stays_harmless(path: Path) -> None:
    """Good inputs and such as have broken a target once."""
    TARGETS[path.parent.name](path.read_bytes())


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(FILES), st.integers(0, 20_000), st.binary(max_size=8), st.integers(0, 16))
def test_changed_input_is_harmless(path: Path, position: int, inserted: bytes, cut: int) -> None:
    """Some bytes of a corpus file are replaced by others, at any place."""
    content = path.read_bytes()
    position %= len(content) + 1
    TARGETS[path.parent.name](content[:position] + inserted + content[position + cut :])
