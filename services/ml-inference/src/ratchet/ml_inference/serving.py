"""The production models in memory, kept in step with the registry."""

import threading
from collections.abc import Callable

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
        self._log = get_logger(__name__)

    def get(self, universe: str) -> tuple[str, OnnxModel] | None:
        """Return (model id, model) of a universe, or None."""
        return self._models.get(universe)

    def states(self) -> dict[str, str]:
        """Return what each universe serves: a model id, or why there is none."""
        return {
            universe: held[0]
            if (held := self._models.get(universe))
            else self._refused.get(universe, "no model")
            for universe in self._universes
        }

    def refresh(self) -> None:
        """Load what was promoted since the last time; a damaged model is refused and the old one kept."""
        for universe in self._universes:
            self._refresh(universe)
            metrics.MODEL_MISSING.labels(universe).set(universe not in self._models)

    def follow(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Refresh periodically, so that every replica serves what was promoted on one."""
        while not stop.wait(_REFRESH_S):
            beat()
            try:
                self.refresh()
            except DatabaseUnavailableError as error:
                self._log.warning("registry_unavailable", reason=str(error))

    def _refresh(self, universe: str) -> None:
        wanted = self._registry.production(universe)
        held = self._models.get(universe)
        if wanted is None or (held and held[0] == wanted.model_id):
            return
        try:
            model = self._registry.load(wanted)
        except ModelError as error:
            self._refused[universe] = str(error)
            self._log.error("model_refused", universe=universe, model_id=wanted.model_id, reason=str(error))
            return
        if held:
            metrics.MODEL_INFO.remove(universe, held[0], held[1].card.version)
        self._models[universe] = (wanted.model_id, model)
        self._refused.pop(universe, None)
        metrics.MODEL_INFO.labels(universe, wanted.model_id, model.card.version).set(1)
        self._log.info("model_served", universe=universe, model_id=wanted.model_id)
