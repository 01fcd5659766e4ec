"""The edge settings of compose.yaml and of the demo."""

from pathlib import Path

import pytest

from winnow.detectors import find_card, read_card
from winnow.pipeline.settings import EdgeSettings, check_labels
from winnow.runtime.settings import load_settings

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.mark.parametrize("name", ["deploy/edge.yaml", "sample_videos/street.edge.yaml"])
def test_shipped_edge_settings_are_right(name: str) -> None:
    """Every key and label is known."""
    path = ROOT / name
    settings = load_settings(path, EdgeSettings)
    check_labels(path, settings, read_card(find_card(settings.model)).labels)
    assert settings.cameras["street"].source.endswith("street.mp4")
