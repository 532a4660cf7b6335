"""Dividends and splits that lie beside a dataset's bars, in corporate_actions.csv or .parquet.

Columns: symbol, ex_date, pay_date (may be empty), kind (dividend or split), amount (dollars per share of a
dividend), ratio (shares after a split for one before, 4 for a four-for-one). Dates are YYYY-MM-DD.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.common.datasets.errors import DatasetError
from ratchet.core.assets import Registry

if TYPE_CHECKING:
    from ratchet.common.datasets.dataset import Dataset
    from ratchet.core.exchange import CorporateAction

NAME = "corporate_actions"
SUFFIXES = (".csv", ".parquet")
_COLUMNS = ("symbol", "ex_date", "pay_date", "kind", "amount", "ratio")
_REQUIRED = ("symbol", "ex_date", "kind")


def is_corporate_actions(path: Path) -> bool:
    """Say whether a file of a dataset's folder holds corporate actions instead of bars."""
    return path.stem == NAME and path.suffix in SUFFIXES


def load_corporate_actions(dataset: "Dataset | None", registry: Registry) -> tuple["CorporateAction", ...]:
    """Return the corporate actions of a dataset's folder in file order, none if it has no such file.

    DatasetError names file, row, column and value of what is wrong, and a symbol that is not in the registry.
    """
    if dataset is None or not dataset.path.is_dir():
        return ()
    files = [dataset.path / (NAME + suffix) for suffix in SUFFIXES]
    found = [path for path in files if path.is_file()]
    if len(found) > 1:
        raise DatasetError(f"{dataset.path}: has both {found[0].name} and {found[1].name}; keep one")
    return tuple(_actions(found[0], dataset, registry)) if found else ()


def _actions(path: Path, dataset: "Dataset", registry: Registry) -> Iterator["CorporateAction"]:
    from ratchet.core.exchange import ActionKind, CorporateAction  # heavy, and most datasets have no file

    kinds = {kind.value: kind for kind in ActionKind}
    for number, row in enumerate(_rows(path), start=1):
        place = f"{path}: row {number}"
        symbol = dataset.canonical(_text(row, "symbol"), registry)
        if symbol not in registry:
            raise DatasetError(f"{place}: symbol {symbol!r} is not in the asset registry")
        kind = kinds.get(_text(row, "kind"))
        if kind is None:
            allowed = ", ".join(kinds)
            raise DatasetError(f"{place}: kind {_text(row, 'kind')!r} is invalid; allowed: {allowed}")
        ex_date = _date(row, "ex_date", place)
        if ex_date is None:
            raise DatasetError(f"{place}: ex_date is missing")
        try:
            yield CorporateAction(
                registry.by_symbol(symbol).id,
                kind,
                ex_date,
                _date(row, "pay_date", place),
                _decimal(row, "amount", Decimal(0), place),
                _decimal(row, "ratio", Decimal(1), place),
            )
        except ValueError as error:
            raise DatasetError(f"{place}: {error}") from None


def _rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow as pa  # heavy, and most datasets have no file
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path)
        else:
            texts = pa_csv.ConvertOptions(column_types=dict.fromkeys(_COLUMNS, pa.string()))
            table = pa_csv.read_csv(path, convert_options=texts)
    except pa.ArrowInvalid as error:
        raise DatasetError(f"{path}: {str(error).splitlines()[0]}") from None
    missing = [name for name in _REQUIRED if name not in table.column_names]
    if missing:
        raise DatasetError(f"{path}: column {missing[0]!r} is missing; it needs {', '.join(_REQUIRED)}")
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()


def _date(row: dict[str, Any], name: str, place: str) -> date | None:
    text = _text(row, name)
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise DatasetError(f"{place}: {name} {text!r} is not a date; allowed: YYYY-MM-DD") from None


def _decimal(row: dict[str, Any], name: str, default: Decimal, place: str) -> Decimal:
    text = _text(row, name)
    if not text:
        return default
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise DatasetError(f"{place}: {name} {text!r} is not a number")
    return value
