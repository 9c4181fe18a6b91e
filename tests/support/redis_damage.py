"""Hashes such as an interrupted or foreign write could leave where a session should stand."""

from __future__ import annotations

from serverless_sessions import clock
from serverless_sessions.testing.cases.base import fresh_key
from serverless_sessions_adapters._redis_operations import ScriptOperations


def half_hashes(operations: ScriptOperations) -> dict[str, tuple[str, dict[str, str]]]:
    """For each stored key where it is kept, and the fields to put there."""
    ends = str(clock.now() + 1000)
    whole = {"m:rid": "r", "m:created": "1", "m:idle": ends, "m:absolute": ends, "m:rev": "1"}
    halves = [
        {},
        *({field: whole[field] for field in whole if field != lost} for lost in list(whole)[:4]),
        {"m:to": fresh_key()},
        {"m:to": fresh_key(), "m:grace": ends},
        {**whole, "m:to": fresh_key()},
    ]
    keys = [fresh_key() for _ in halves]
    return {
        key: (operations.place_of(key), {**half, "k:name": ":text"})
        for key, half in zip(keys, halves, strict=True)
    }
