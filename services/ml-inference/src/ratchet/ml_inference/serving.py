"""The production models in memory, kept in step with the registry."""

import threading
from collections.abc import Callable, Mapping

from ratchet.common import metrics
from ratchet.common.errors import DatabaseUnavailableError
from ratchet.common.logging import get_logger
from ratchet.core.models import ModelError, OnnxModel
from ratchet.ml_inference.store import ModelRegistry

_REFRESH_S = 5.0


class Serving:
    """Holds one model a universe. A universe without one is a visible state, never a made-up number."""

    def __init__(self, registry: ModelRegistry, universes: tuple[str, ...]) -> None:
        self._registry = registry
        self._universes = universes
        self._models: dict[str, tuple[str, OnnxModel]] = {}
        self._refused: dict[str, str] = {}
        self._loaded = threading.Event()
        self._log = get_logger(__name__)

    def get(self, universe: str) -> tuple[str, OnnxModel] | None:
        """Return (model id, model) of a universe, or None."""
        return self._models.get(universe)

    @property
    def is_loaded(self) -> bool:
        """Whether the registry has been read, so that a missing model is known to be missing."""
        return self._loaded.is_set()

    def why_none(self, universe: str) -> str:
        """Return why a universe has no model in memory."""
        if universe in self._refused:
            return f"universe {universe!r}: its model is refused: {self._refused[universe]}"
        return f"universe {universe!r} has no production model; train one with `ratchet train`"

    def note_refused(self, refused: Mapping[str, str]) -> None:
        """Note universes whose models could not even be imported, and why."""
        self._refused |= {name: reason for name, reason in refused.items() if name not in self._models}

    def states(self) -> dict[str, str]:
        """Return what each universe serves: a model id, or why there is none."""
        return {universe: self._state(universe) for universe in self._universes}

    def refresh(self) -> None:
        """Load what was promoted since the last time; a damaged model is refused and the old one kept."""
        for universe in self._universes:
            self._refresh(universe)
            metrics.MODEL_MISSING.labels(universe).set(universe not in self._models)
        self._loaded.set()

    def follow(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Refresh periodically, so that every replica serves what was promoted on one."""
        while not stop.wait(_REFRESH_S):
            beat()
            try:
                self.refresh()
            except DatabaseUnavailableError as error:
                self._log.warning("registry_unavailable", reason=str(error))

    def _state(self, universe: str) -> str:
        held, refused = self._models.get(universe), self._refused.get(universe)
        served = held[0] if held else "no model"
        return f"{served} (refused: {refused})" if refused else served

    def _refresh(self, universe: str) -> None:
        wanted = self._registry.production(universe)
        held = self._models.get(universe)
        if wanted is None or (held and held[0] == wanted.model_id):
            return
        try:
            model = self._registry.load(wanted)
        except ModelError as error:
            if self._refused.get(universe) == str(error):
                return
            self._refused[universe] = str(error)
            self._log.error("model_refused", universe=universe, model_id=wanted.model_id, reason=str(error))
            return
        if held:
            metrics.MODEL_INFO.remove(universe, held[0], held[1].card.version)
        self._models[universe] = (wanted.model_id, model)
        self._refused.pop(universe, None)
        metrics.MODEL_INFO.labels(universe, wanted.model_id, model.card.version).set(1)
        self._log.info("model_served", universe=universe, model_id=wanted.model_id)
