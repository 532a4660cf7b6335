"""What pydantic says about a wrong configuration, in the words of the one who wrote it."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

Path = tuple[int | str, ...]


def problems(error: ValidationError) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield the path and details of each problem, without those that only follow from a deeper one."""
    found = [(tuple(problem["loc"]), problem) for problem in error.errors()]
    paths = [path for path, _ in found]
    for path, problem in found:
        # A wrong item leaves its collection too short, which is not what is wrong.
        if not any(len(other) > len(path) and other[: len(path)] == path for other in paths):
            yield path, problem


def unknown_field(model: type[BaseModel], path: Path) -> str:
    """Say that the last key of `path` below `model` is no field, what the fields are, and which is near."""
    allowed = _fields(model, path[:-1])
    near = difflib.get_close_matches(str(path[-1]), allowed, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unknown field {path[-1]!r}; allowed: {', '.join(allowed)}{hint}"


def _fields(model: type[BaseModel], path: Path) -> list[str]:
    models: Sequence[type[BaseModel]] = [model]
    for key in path:
        fields = [found.model_fields[key] for found in models if key in found.model_fields]
        if fields:
            models = [inner for field in fields for inner in _models(field.annotation)]
        # Else the key is that of a mapping, a position, or the tag of a union, which its models stand behind.
    return list(dict.fromkeys(name for found in models for name in found.model_fields))


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
