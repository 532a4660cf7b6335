"""The rows about accounts beside the exchange's own one, and about keys."""

from dataclasses import dataclass

from ratchet.common.db import Database
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.paper_exchange.accounts.keys import StoredKey

WAIT_S = 2.0


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account of the house: its name in the database, and the one that people use."""

    account: str
    label: str
    is_closed: bool


class AccountStore:
    """SQL for the accounts of one house, which is named by the exchange's own account."""

    def __init__(self, db: Database, house: str, leader: AdvisoryLeaderLock) -> None:
        self._db = db
        self._house = house
        self._leader = leader

    def accounts(self) -> list[AccountRow]:
        """Return the house's further accounts, closed ones too, oldest first."""
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            cursor.execute(
                "SELECT account, label, is_closed FROM paper.accounts WHERE house = %s "
                "ORDER BY created_ns, account",
                (self._house,),
            )
            return [AccountRow(*row) for row in cursor.fetchall()]

    def valid_keys(self) -> list[StoredKey]:
        """Return the keys that are valid."""
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            cursor.execute(
                "SELECT k.key_id, k.account, k.secret_sha256, k.created_ns FROM paper.api_keys k "
                "JOIN paper.accounts a ON a.account = k.account "
                "WHERE (a.house = %s OR a.account = %s) AND NOT a.is_closed AND NOT k.is_revoked "
                "ORDER BY k.created_ns, k.key_id",
                (self._house, self._house),
            )
            return [StoredKey(*row) for row in cursor.fetchall()]

    def add_key(self, key: StoredKey) -> None:
        """Store a key."""
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            self._leader.check(cursor)
            cursor.execute(
                "INSERT INTO paper.api_keys (key_id, account, secret_sha256, created_ns) "
                "VALUES (%s, %s, %s, %s)",
                (key.key_id, key.account, key.secret_sha256, key.created_ns),
            )

    def revoke_key(self, key_id: str) -> None:
        """Make a key invalid for ever."""
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            self._leader.check(cursor)
            cursor.execute("UPDATE paper.api_keys SET is_revoked = true WHERE key_id = %s", (key_id,))

    def close(self, account: str) -> None:
        """Mark an account as closed; its rows stay."""
        with self._db.transaction(wait_s=WAIT_S) as cursor:
            self._leader.check(cursor)
            cursor.execute("UPDATE paper.accounts SET is_closed = true WHERE account = %s", (account,))
