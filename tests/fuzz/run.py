"""Fuzzes one target with atheris: `python -m tests.fuzz.run TARGET SECONDS`; exit code 1 and the input if it breaks.

It starts from the corpus in `tests/fuzz/corpus/TARGET` and writes nothing there: what it finds new lies in a folder of
its own for the time of the run. An input that breaks a target is written to `build/fuzz/`; it belongs into the corpus,
where `test_corpus.py` holds it from then on.
"""

import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-untyped]

INSTRUMENTED = [
    "winnow.events",
    "winnow.gateway.validation",
    "winnow.detectors.card",
    "winnow.runtime.settings",
    "yaml",
]
"""What shall tell the fuzzer where it has been: the readers, not the half of all libraries that they import."""

with atheris.instrument_imports(include=INSTRUMENTED):
    from tests.fuzz.targets import CORPUS, TARGETS

BROKEN = Path("build/fuzz")
MAX_BYTES = 20_000
MAX_YAML_BYTES = 2_000
"""YAML that only opens brackets takes time with the square of its length: 0.6 s for 5 KB, more when instrumented."""


def main(name: str, seconds: str) -> None:
    """Never returns: atheris ends the process."""
    BROKEN.mkdir(parents=True, exist_ok=True)
    found = tempfile.mkdtemp(prefix=f"winnow-fuzz-{name}-")
    longest = MAX_YAML_BYTES if name in ("card", "settings") else MAX_BYTES
    options = [f"-max_total_time={seconds}", f"-max_len={longest}", "-timeout=60", "-rss_limit_mb=1024"]
    options.append(f"-artifact_prefix={BROKEN}/{name}-")
    atheris.Setup([sys.argv[0], *options, found, str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
