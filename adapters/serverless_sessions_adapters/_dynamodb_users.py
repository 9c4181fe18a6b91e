"""The sessions of a user: one item each, changed in the transaction that changes the session.

A member is an attribute with the session's absolute deadline, so that a rotation takes one out
and puts another in by the same write. The item ends, by its ``ttl``, with the last of them.

A session that expires leaves its member behind. ``n`` counts members, and ``room`` says how many
there may be until some of the dead are taken out. So a user who never logs out has about twice as
many members as live sessions, once there are MEMBERS.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

from botocore.exceptions import ClientError

from serverless_sessions import clock
from serverless_sessions.errors import SessionTooLarge
from serverless_sessions.sansio import Asking
from serverless_sessions.store import TTL_LAG_SECONDS

from ._dynamodb_errors import is_too_large
from ._dynamodb_items import ITEM_BYTES, Expression, Item, bytes_of, live, number, number_of
from ._dynamodb_requests import Arguments, Table, Unmet

MEMBERS = 100
OVER = 100
"""How many members past their deadline are taken out at once: a short enough expression."""
SAMPLED = 9
"""How many sessions are looked at: with the index 4 MB at most, as TransactWriteItems allows."""
SPARED = 4
"""Fewer than SAMPLED, so that more can go than come."""
_MEMBER = "s#"
_MEMBER_BYTES = 100

Write = dict[str, Arguments]


def index_key(user: str) -> str:
    """Hashed: a name may be longer than a key can be, and is not shown where keys are."""
    return "u#" + hashlib.sha256(user.encode()).hexdigest()


class UserIndex:
    """What keeps the users' items in step with the sessions of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def members(self, user: str) -> Asking[list[str]]:
        """The keys of a superset of the live sessions of ``user``."""
        item = yield from self._table.get(index_key(user))
        now = clock.now()
        return [key for key, ends in _members(item or {}).items() if ends > now]

    def without(self, user: str, key: str, absolute: int) -> Write:
        """Takes a session out. It never fails: the item may have gone before."""
        change = Expression(
            "SET #ttl = if_not_exists(#ttl, :ttl) REMOVE #old ADD n :less",
            {"#ttl": "ttl", "#old": _MEMBER + key},
            {":ttl": number(absolute + TTL_LAG_SECONDS), ":less": number(-1)},
        )
        return {"Update": self._table.update(index_key(user), change)}

    def transact_with(
        self,
        writes: Sequence[Write],
        user: str,
        key: str,
        absolute: int,
        instead_of: str | None = None,
    ) -> Asking[None]:
        """Carry out ``writes`` and list ``key`` under ``user``, or neither.

        Raises Unmet for the conditions of ``writes``, and SessionTooLarge when the user has more
        live sessions than an item can list.
        """
        place, index, pruned = len(writes), None, False
        while True:
            added = self._with(user, key, absolute, instead_of, index)
            try:
                yield from self._table.transact([*writes, added])
            except Unmet as unmet:
                if set(unmet.stood) != {place}:
                    raise
                index = unmet.stood[place]
            except ClientError as error:
                index = yield from self._index_too_large(user, error)
                if pruned:
                    raise SessionTooLarge(
                        "the user has more live sessions than DynamoDB lists in one item of"
                        f" {ITEM_BYTES} bytes: {len(_members(index))}"
                    ) from error
            else:
                return
            if index is not None and _is_full(index):
                yield from self._prune(user, index)
                pruned = True

    def _with(
        self, user: str, key: str, absolute: int, instead_of: str | None, index: Item | None
    ) -> Write:
        """Puts a session in, under the condition that there is room and that the item lives as
        long; or, where ``index`` is how an earlier attempt found it, as that shows to be right.
        """
        ttl = absolute + TTL_LAG_SECONDS
        sets = ["#new = :ends"]
        names = {"#new": _MEMBER + key, "#ttl": "ttl"}
        values = {":ends": number(absolute), ":ttl": number(ttl)}
        if index is None or (number_of(index, "ttl") or 0) <= ttl:
            sets.append("#ttl = :ttl")
            condition = "(attribute_not_exists(#ttl) OR #ttl <= :ttl)"
        else:
            condition = "#ttl >= :ttl"
        if instead_of is not None:
            counted = "REMOVE #old"
            names["#old"] = _MEMBER + instead_of
        else:
            counted = "ADD n :one"
            sets.append("room = if_not_exists(room, :room)")
            values |= {":one": number(1), ":room": number(MEMBERS)}
            if index is None:
                condition += " AND (attribute_not_exists(room) OR n < room)"
        change = Expression(f"SET {', '.join(sets)} {counted}", names, values)
        return {"Update": self._table.update(index_key(user), change, Expression(condition))}

    def _index_too_large(self, user: str, error: ClientError) -> Asking[Item]:
        """The user's item, if that is why a transaction was refused; raises ``error`` else."""
        if is_too_large(error):
            index = yield from self._table.get(index_key(user))
            if index is not None and _is_full(index):
                return index
        raise error

    def _prune(self, user: str, index: Item) -> Asking[None]:
        """Take out members whose sessions are dead for certain: past their deadline, or proven
        so by the transaction that takes them out. A session that is not found may be one that
        another transaction is just creating.
        """
        members, now = _members(index), clock.now()
        gone = [key for key, ends in members.items() if ends <= now][:OVER]
        sample = [] if gone else random.sample(sorted(members), min(SAMPLED, len(members)))
        while True:
            removed = [*gone, *sample]
            checks: list[Write] = [
                {"ConditionCheck": self._table.check(key, live().negated())} for key in sample
            ]
            try:
                yield from self._table.transact([*checks, self._less(user, index, removed)])
            except Unmet as unmet:
                alive = {sample[n] for n in unmet.stood if n < len(sample)}
                if not alive:
                    return
                sample = [key for key in sample if key not in alive]
            else:
                return

    def _less(self, user: str, index: Item, removed: Sequence[str]) -> Write:
        """The index as it was seen, without some of its members."""
        left = len(_members(index)) - len(removed)
        names = {f"#{n}": _MEMBER + key for n, key in enumerate(removed)}
        values = {
            ":n": number(number_of(index, "n") or 0),
            ":left": number(left),
            ":room": number(max(MEMBERS, left + SPARED)),
        }
        removal = f" REMOVE {', '.join(names)}" if names else ""
        change = Expression(f"SET n = :left, room = :room{removal}", names, values)
        return {"Update": self._table.update(index_key(user), change, Expression("n = :n"))}


def _members(index: Item) -> dict[str, int]:
    return {
        name.removeprefix(_MEMBER): int(value["N"])
        for name, value in index.items()
        if name.startswith(_MEMBER)
    }


def _is_full(index: Item) -> bool:
    counted = (number_of(index, "n") or 0) >= (number_of(index, "room") or 0)
    return counted or bytes_of(index) + _MEMBER_BYTES > ITEM_BYTES
