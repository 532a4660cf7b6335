"""A bounded memory of ids."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator


class RecentIds:
    """The last `capacity` ids, oldest forgotten first."""

    def __init__(self, ids: Iterable[str] = (), capacity: int = 20_000) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._capacity = capacity
        for known in ids:
            self.add(known)

    def __contains__(self, item: object) -> bool:
        return item in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def add(self, item: str) -> None:
        """Remember an id."""
        self._ids[item] = None
        if len(self._ids) > self._capacity:
            self._ids.popitem(last=False)
