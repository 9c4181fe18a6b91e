"""How each event comes about through a request, and what it then carries."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from serverless_sessions import SessionError
from serverless_sessions.events import EventName
from support.failures import down
from support.scenes import INTENTS, SITUATIONS, Scene


class Way(NamedTuple):
    """``prepare`` makes the scene, ``act`` sends the request that is told of. ``fields`` are
    those that the event has besides its name."""

    prepare: Callable[[Scene], None]
    act: Callable[[Scene], None]
    fields: frozenset[str]


def _asked_with_no_form_of_an_id(scene: Scene) -> None:
    scene.client.request(INTENTS["nothing"])


def _touched_in_vain(scene: Scene) -> None:
    SITUATIONS["touch-due"](scene)
    scene.store.before = lambda operation: down(operation) if operation == "update" else None


def _down(scene: Scene) -> None:
    SITUATIONS["live"](scene)
    scene.store.before = down


def _read_in_vain(scene: Scene) -> None:
    with suppress(SessionError):
        scene.play(INTENTS["get"])


Step = str | Callable[[Scene], None]


def _way(situation: Step, intent: Step, fields: str = "") -> Way:
    prepare = SITUATIONS[situation] if isinstance(situation, str) else situation

    def play(scene: Scene) -> None:
        if isinstance(intent, str):
            scene.play(INTENTS[intent])
        else:
            intent(scene)

    return Way(prepare, play, frozenset(fields.split()))


WAYS: dict[EventName, Way] = {
    "created": _way("anonymous", "set", "handle"),
    "loaded": _way("live", "get", "handle"),
    "missed": _way("unknown", "get"),
    "expired": _way("expired", "get"),
    "refused_id": _way("malformed", _asked_with_no_form_of_an_id),
    "touch_failed": _way(_touched_in_vain, "get", "handle error"),
    "rotated": _way("live", "regenerate", "handle"),
    "destroyed": _way("read", "destroy", "handle"),
    "lost": _way("read,destroyed", "set", "handle"),
    "conflict": _way("read,rotated", "regenerate", "handle"),
    "store_call": _way("live", "get", "store operation seconds"),
    "store_error": _way(_down, _read_in_vain, "store operation seconds error"),
}
"""Every event but ``revoked``, which is told of no request."""
