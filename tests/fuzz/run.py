"""Fuzzes one target with atheris: `python -m tests.fuzz.run TARGET SECONDS`; exit code 1 and the input if it breaks.

It starts from the corpus in `tests/fuzz/corpus/TARGET` and writes nothing there: what it finds new lies in a folder of
its own for the time of the run. An input that breaks a target is written to `build/fuzz/`; it belongs into the corpus,
where `test_corpus.py` holds it from then on.
"""

import logging
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-untyped]

INSTRUMENTED = [
    "winnow.events",
    "winnow.pipeline.delivery",
    "winnow.detectors.card",
    "winnow.cloud_sink.settings",
    "winnow.gateway.settings",
    "winnow.pipeline.settings",
    "winnow.runtime.settings",
]
"""What shall tell the fuzzer where it has been: the readers, not the half of all libraries that they import."""

with atheris.instrument_imports(include=INSTRUMENTED):
    from tests.fuzz.targets import CORPUS, TARGETS, words_of

BROKEN = Path("build/fuzz")
MAX_BYTES = 20_000
MAX_YAML_BYTES = 1_000
"""Enough for every key of a section; a longer text only takes longer to parse."""


def main(name: str, seconds: str) -> None:
    """Never returns: atheris ends the process."""
    logging.disable(logging.CRITICAL)  # each refusal would be a line
    BROKEN.mkdir(parents=True, exist_ok=True)
    found = tempfile.mkdtemp(prefix=f"winnow-fuzz-{name}-")
    longest = MAX_YAML_BYTES if name in ("card", "settings") else MAX_BYTES
    options = [f"-max_total_time={seconds}", f"-max_len={longest}", "-timeout=60", "-rss_limit_mb=1024"]
    options.append(f"-artifact_prefix={BROKEN}/{name}-")
    if words := words_of(name):
        dictionary = Path(tempfile.mkdtemp(prefix="winnow-fuzz-")) / "words"
        escaped = [word.replace("\\", "\\\\").replace('"', '\\"') for word in words]
        dictionary.write_text("".join(f'"{word}"\n' for word in escaped), encoding="utf-8")
        options.append(f"-dict={dictionary}")
    atheris.Setup([sys.argv[0], *options, found, str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
