"""How long ago a user logged in, asked before what matters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from serverless_sessions import InvalidArgument
from serverless_sessions.testing.browser import settled
from support.scenes import INTENTS, Scene


@pytest.mark.parametrize("limit", [300, 300.5, timedelta(minutes=5)])
def test_fact_24_a_log_in_counts_as_recent_for_so_many_seconds(
    live: Scene, limit: float | timedelta
) -> None:
    async def recent(session: Any) -> bool:
        answer: bool = await settled(session.authenticated_within(limit))
        return answer

    assert not live.client.request(recent)
    live.client.request(INTENTS["bind-bob"])
    live.clock.advance(300)
    assert live.client.request(recent)
    live.clock.advance(1)
    live.client.request(INTENTS["regenerate"])
    assert not live.client.request(recent)
    live.client.request(INTENTS["bind-bob"])
    assert live.client.request(recent)
    live.client.request(INTENTS["unbind"])
    assert not live.client.request(recent)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), "300", True, timedelta(0)])
def test_what_is_no_time_since_a_log_in_is_refused(live: Scene, limit: Any) -> None:
    async def ask(session: Any) -> None:
        with pytest.raises(InvalidArgument, match=r"authenticated_within\(\)"):
            await settled(session.authenticated_within(limit))

    live.client.request(ask)
