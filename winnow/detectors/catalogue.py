"""Find models: those that come with the package, and those of the user."""

from pathlib import Path
from typing import Final

from winnow.detectors.card import CARD_SUFFIX, ModelCard, read_card
from winnow.detectors.detector import DEFAULT_MIN_SCORE
from winnow.detectors.errors import ModelNotFoundError
from winnow.detectors.model_file import read_model
from winnow.detectors.session import OnnxDetector

MODELS_FOLDER: Final = Path(__file__).parent / "models"
DEFAULT_MODEL: Final = "nanodet-g-416-int8"


def bundled_models() -> list[Path]:
    """Return the cards of the models that come with the package, by name."""
    return sorted(MODELS_FOLDER.glob(f"*{CARD_SUFFIX}"))


def find_card(model: str) -> Path:
    """Return the card of a bundled model's name, or of the path of a user's card or model file.

    Raises:
        ModelNotFoundError: neither a bundled model nor a file.
    """
    path = Path(model)
    if path.suffix in (CARD_SUFFIX, ".onnx"):
        return path.with_suffix(CARD_SUFFIX)
    known = {card.stem: card for card in bundled_models()}
    if model not in known:
        raise ModelNotFoundError(
            f"{model}: no such model; known are {', '.join(known) or 'none'}, or give the path of a card (.yaml)"
        )
    return known[model]


def open_detector(
    model: str = DEFAULT_MODEL, *, min_score: float = DEFAULT_MIN_SCORE, threads: int = 1
) -> OnnxDetector:
    """Return a detector that is ready to run.

    Args:
        model: a bundled model's name, or the path of a card.
        min_score: objects below are not reported, 0..1.
        threads: that share one inference; 0 for one a core.

    Raises:
        ModelNotFoundError: there is no such card, or no model file beside it.
        ModelRefusedError: the card or the file must not be used.
    """
    card, data = load_model(find_card(model))
    return OnnxDetector(card, data, min_score=min_score, threads=threads)


def load_model(card_path: Path) -> tuple[ModelCard, bytes]:
    """Return a card and the bytes of the model beside it, which are those that the card describes.

    Raises:
        ModelNotFoundError: there is no such card, or no model file beside it.
        ModelRefusedError: the card is wrong, or the file is too large or another one.
    """
    card = read_card(card_path)
    return card, read_model(card_path.with_name(card.file), card)
