"""A folder of models: `<universe>/<version>/model.onnx` and `card.json`, and which one is in production."""

import json
import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from ratchet.core.models.card import ModelCard, ModelError
from ratchet.core.models.onnx import OnnxModel
from ratchet.core.models.training import TrainedModel

_MODEL, _CARD, _PRODUCTION = "model.onnx", "card.json", "production.json"


class ModelStore:
    """Saves, lists, promotes and loads models; each file appears whole or not at all."""

    def __init__(self, directory: Path | str) -> None:
        self._root = Path(directory)

    def save(self, model: TrainedModel) -> Path:
        """Write a model and return its folder; saving the same model again changes nothing."""
        folder = self._folder(model.card.universe, model.card.version)
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / _MODEL, model.onnx)
        # The card comes last: a folder without one is not a model.
        _write(folder / _CARD, model.card.model_dump_json(indent=2).encode())
        return folder

    def cards(self, universe: str) -> tuple[ModelCard, ...]:
        """Return the cards of a universe's models, the oldest data first."""
        cards = (self._card(path) for path in (self._root / _name(universe)).glob(f"*/{_CARD}"))
        return tuple(sorted(cards, key=lambda card: (card.created_ts, card.version)))

    def read(self, universe: str, version: str) -> bytes:
        """Return a model's bytes; FileNotFoundError when there is no such model."""
        return (self._folder(universe, version) / _MODEL).read_bytes()

    def promote(self, universe: str, version: str) -> None:
        """Put a model into production; ModelError when there is no such model."""
        if not (self._folder(universe, version) / _CARD).is_file():
            known = ", ".join(card.version for card in self.cards(universe)) or "none"
            raise ModelError(f"universe {universe} has no model {version!r}; there are: {known}")
        pointer = json.dumps({"version": version}).encode()
        _write(self._root / _name(universe) / _PRODUCTION, pointer)

    def production(self, universe: str) -> str | None:
        """Return the version in production, or None."""
        path = self._root / _name(universe) / _PRODUCTION
        if not path.is_file():
            return None
        try:
            return str(json.loads(path.read_bytes())["version"])
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path.name} of universe {universe} is damaged: {error}") from error

    def load(self, universe: str, version: str | None = None) -> OnnxModel | None:
        """Load a model, by default the one in production, None without one; ModelError when damaged."""
        chosen = version or self.production(universe)
        if chosen is None:
            return None
        folder = self._folder(universe, chosen)
        try:
            return OnnxModel.load((folder / _MODEL).read_bytes(), self._card(folder / _CARD))
        except FileNotFoundError as error:
            raise ModelError(f"universe {universe} has no whole model {chosen!r}") from error

    def _folder(self, universe: str, version: str) -> Path:
        return self._root / _name(universe) / _name(version)

    @staticmethod
    def _card(path: Path) -> ModelCard:
        try:
            return ModelCard.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise ModelError(f"card of model {path.parent.name} is damaged: {error}") from error


def _name(part: str) -> str:
    if not part or part.startswith(".") or Path(part).name != part:
        raise ModelError(f"{part!r} is not a name of a universe or a version")
    return part


def _write(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
