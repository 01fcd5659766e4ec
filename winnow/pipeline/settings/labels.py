"""Whether the labels that settings name are ones that the model knows."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from winnow.pipeline.settings.edge import EdgeSettings
from winnow.runtime.settings import SettingsInvalidError


def check_labels(path: Path, settings: EdgeSettings, known: Sequence[str]) -> None:
    """Return if every label that the settings name is one of the model's.

    Raises:
        SettingsInvalidError: it names each unknown label and its key.
    """
    problems = [
        f"{key}: unknown label {label!r}{_likely(label, known)}; the model {settings.model} knows {', '.join(known)}"
        for key, labels in _label_keys(settings)
        for label in labels
        if label not in known
    ]
    if problems:
        raise SettingsInvalidError(path, problems)


def _likely(label: str, known: Sequence[str]) -> str:
    likely = get_close_matches(label, known, n=1)
    return f" (did you mean {likely[0]}?)" if likely else ""


def _label_keys(settings: EdgeSettings) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, camera in settings.cameras.items():
        yield f"cameras.{name}.labels", camera.labels
        for zone_name, zone in camera.zones.items():
            yield f"cameras.{name}.zones.{zone_name}.labels", zone.labels
        for line_name, line in camera.lines.items():
            yield f"cameras.{name}.lines.{line_name}.labels", line.labels
        for sequence_name, sequence in camera.sequences.items():
            yield f"cameras.{name}.sequences.{sequence_name}.labels", sequence.labels
