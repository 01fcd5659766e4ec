"""A model card is complete, strict, and says the same after it was written and read."""

from pathlib import Path

import pytest
import yaml

from winnow.detectors import ModelNotFoundError, bundled_models, read_card
from winnow.detectors.card import write_card
from winnow.detectors.errors import CardInvalidError
from winnow.detectors.testing import fake_card


def test_written_card_reads_back_equal(tmp_path: Path) -> None:
    """Nothing of a card is lost on its way through the file."""
    (shipped,) = bundled_models()
    card = read_card(shipped)
    write_card(card, tmp_path / "copy.yaml")
    assert read_card(tmp_path / "copy.yaml") == card


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("colour", "blue", "colour: unknown key"),
        ("sha256", "abc", "sha256"),
        ("file", "../secret.onnx", "file"),
        ("file", "folder/model.onnx", "file"),
        ("labels", ["person", "person"], "only once"),
        ("labels", [], "labels"),
        ("size_bytes", 0, "size_bytes"),
        ("output", {"kind": "fasterer"}, "output"),
        ("nms_iou", 1.5, "nms_iou"),
    ],
)
def test_wrong_card_is_refused_by_key(tmp_path: Path, key: str, value: object, complaint: str) -> None:
    """A wrong entry is refused with the file and the key."""
    path = tmp_path / "card.yaml"
    document = fake_card().model_dump(mode="json", exclude_none=True) | {key: value}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(CardInvalidError, match=complaint) as caught:
        read_card(path)
    assert str(path) in str(caught.value)


def test_card_of_bytes_cannot_also_normalise(tmp_path: Path) -> None:
    """Mean and std are refused for a model that takes uint8."""
    path = tmp_path / "card.yaml"
    document = fake_card().model_dump(mode="json", exclude_none=True)
    document["input"] |= {"dtype": "uint8", "mean": [1, 2, 3]}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(CardInvalidError, match="float32"):
        read_card(path)


def test_missing_card_is_not_found(tmp_path: Path) -> None:
    """A card that is not there is told apart from one that is wrong."""
    with pytest.raises(ModelNotFoundError, match=r"absent\.yaml"):
        read_card(tmp_path / "absent.yaml")
