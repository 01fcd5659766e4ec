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


def main(name: str, seconds: str) -> None:
    """Never returns: atheris ends the process."""
    BROKEN.mkdir(parents=True, exist_ok=True)
    found = tempfile.mkdtemp(prefix=f"winnow-fuzz-{name}-")
    options = [f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", "-timeout=10", "-rss_limit_mb=1024"]
    options.append(f"-artifact_prefix={BROKEN}/{name}-")
    atheris.Setup([sys.argv[0], *options, found, str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
