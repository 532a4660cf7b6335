"""The model registry in the database."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import psycopg2
from psycopg2.extras import Json

from ratchet.common.audit import write_audit
from ratchet.common.db import Cursor, Database
from ratchet.common.logging import get_logger
from ratchet.common.timestamps import to_datetime
from ratchet.core.models import ModelCard, ModelError, ModelStore, OnnxModel
from ratchet.core.models.onnx import content_version

_INSERT = """
INSERT INTO model_registry (model_id, name, version, universe, train_start, train_end, feature_names, metrics,
    card, artifact_format, artifact_sha256, artifact)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'onnx', %s, %s) ON CONFLICT (model_id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Registered:
    """A row of the registry; train_end is ns UTC."""

    model_id: str
    stage: str
    card: ModelCard


class ModelRegistry:
    """Models with their card, stage and bytes. One model a universe is in production."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._log = get_logger(__name__)

    def import_folder(self, store: ModelStore, universes: tuple[str, ...]) -> dict[str, str]:
        """Take over the models of a folder; its production model wins if it has seen later data than ours.

        Return why models of a universe were not taken over, for universes where some were not.
        """
        refused: dict[str, str] = {}
        for universe in universes:
            try:
                self._import_universe(store, universe)
            except (ModelError, OSError) as error:
                refused[universe] = str(error)
                self._log.error("models_not_imported", universe=universe, reason=str(error))
        return refused

    def models(self, universe: str = "") -> list[Registered]:
        """Return the models of a universe, or all, the newest data first."""
        rows = self._db.query(
            "SELECT model_id, stage, card FROM model_registry "
            "WHERE %(universe)s = '' OR universe = %(universe)s ORDER BY universe, train_end DESC, model_id",
            {"universe": universe},
        )
        return [Registered(row[0], row[1], ModelCard.model_validate(row[2])) for row in rows]

    def production(self, universe: str) -> Registered | None:
        """Return the universe's production model, or None."""
        return next((row for row in self.models(universe) if row.stage == "production"), None)

    def load(self, model: Registered) -> OnnxModel:
        """Return the model, ready to predict; ModelError when it is damaged or of other features."""
        rows = self._db.query("SELECT artifact FROM model_registry WHERE model_id = %s", (model.model_id,))
        return OnnxModel.load(bytes(rows[0][0]), model.card)

    def promote(self, model_id: str, actor: str) -> Registered:
        """Put a model into production and retire the one before it; ModelError if it is unknown."""

        def change(cursor: Cursor) -> None:
            cursor.execute("SELECT universe FROM model_registry WHERE model_id = %s", (model_id,))
            found = cursor.fetchone()
            if found is None:
                raise ModelError(f"model_id {model_id!r} is not in the registry")
            cursor.execute(
                "UPDATE model_registry SET stage = 'retired' WHERE universe = %s AND stage = 'production'",
                found,
            )
            cursor.execute(
                "UPDATE model_registry SET stage = 'production', promoted_at = now(), promoted_by = %s "
                "WHERE model_id = %s",
                (actor, model_id),
            )
            write_audit(cursor, "ml-inference", actor, "model.promote", {"model_id": model_id})

        self._db.run(change)
        self._log.info("model_promoted", model_id=model_id, actor=actor)
        return next(row for row in self.models() if row.model_id == model_id)

    def _import_universe(self, store: ModelStore, universe: str) -> None:
        for card in store.cards(universe):
            self._import(store, card)
        version = store.production(universe)
        if version is None:
            return
        model_id = f"{universe}/{version}"
        ours = self.production(universe)
        theirs = next((row for row in self.models(universe) if row.model_id == model_id), None)
        if theirs is None:
            raise ModelError(f"the folder's production model {model_id!r} is not in the folder")
        if ours is None or ours.card.data_end_ts < theirs.card.data_end_ts:
            self.promote(model_id, "model folder")

    def _import(self, store: ModelStore, card: ModelCard) -> None:
        data = store.read(card.universe, card.version)
        if content_version(data) != card.version:
            raise ModelError(f"model content is {content_version(data)}, but its card says {card.version}")
        model_id = f"{card.universe}/{card.version}"
        self._db.execute(
            _INSERT,
            (
                model_id,
                card.name,
                card.version,
                card.universe,
                to_datetime(card.data_start_ts),
                to_datetime(card.data_end_ts),
                list(card.feature_names),
                Json(card.metrics),
                Json(card.model_dump(mode="json")),
                sha256(data).hexdigest(),
                psycopg2.Binary(data),
            ),
        )


def as_info(model: Registered) -> dict[str, Any]:
    """Return a model as the APIs show it."""
    card = model.card
    return {
        "model_id": model.model_id,
        "name": card.name,
        "version": card.version,
        "universe": card.universe,
        "stage": model.stage,
        "train_start_ns": card.data_start_ts,
        "train_end_ns": card.data_end_ts,
        "metrics": card.metrics,
        "feature_names": list(card.feature_names),
    }
