"""Texts about assets, as sentiment is scored from them."""

from ratchet.common.texts.file import FileSource
from ratchet.common.texts.records import as_text
from ratchet.common.texts.scoring import Mentions, scored_texts
from ratchet.common.texts.types import SourceError, SourceUnavailableError, Text, TextSource

__all__ = [
    "FileSource",
    "Mentions",
    "SourceError",
    "SourceUnavailableError",
    "Text",
    "TextSource",
    "as_text",
    "scored_texts",
]
