"""Tokens for forms: bound to the session, and rotated with its id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from serverless_sessions import Unsupported
from serverless_sessions.testing.browser import Act, settled
from support.scenes import INTENTS, Scene


async def render(session: Any) -> str:
    token: str = await settled(session.csrf_token())
    return token


def post(token: object) -> Act:
    async def check(session: Any) -> bool:
        accepted: bool = await settled(session.is_csrf_token(token))
        return accepted

    return check


def then(*intents: str) -> Act:
    """Carry out the intents, then render a form."""

    async def act(session: Any) -> str:
        for intent in intents:
            await INTENTS[intent](session)
        return await render(session)

    return act


def test_fact_34_a_page_of_the_session_posts_back_a_token_that_it_accepts(live: Scene) -> None:
    token = live.client.request(render)
    assert live.client.request(post(token))
    assert live.client.request(post(token))


def test_a_new_visitors_first_form_begins_the_session_that_accepts_it(scene: Scene) -> None:
    token = scene.client.request(render)
    assert scene.client.set_cookie == "new"
    assert scene.client.request(post(token))
    assert scene.stored() == "empty"


def test_fact_34_another_session_does_not_accept_it(live: Scene) -> None:
    token = live.client.request(render)
    stranger = type(live)(live.client.driver, live.clock)
    stranger.client.request(render)
    assert not stranger.client.request(post(token))


@pytest.mark.parametrize("intent", ["regenerate", "bind-bob", "destroy"])
def test_fact_34_a_token_ends_with_the_id_it_was_made_under(live: Scene, intent: str) -> None:
    token = live.client.request(render)
    live.client.request(INTENTS[intent])
    assert not live.client.request(post(token))


@pytest.mark.parametrize("intent", ["regenerate", "bind-bob", "destroy"])
def test_a_form_rendered_after_the_rotation_in_the_same_request_is_accepted(
    live: Scene, intent: str
) -> None:
    old = live.client.request(render)
    token = live.client.request(then(intent))
    assert live.client.set_cookie == "new"
    assert live.client.request(post(token))
    assert not live.client.request(post(old))


def test_two_pages_that_are_rendered_at_once_are_both_accepted(live: Scene) -> None:
    tokens: list[str] = []

    async def meanwhile(session: Any) -> None:
        tokens.append(await render(session))

    live.reads_first, live.meanwhile = True, meanwhile
    tokens.append(live.play(render))
    assert [live.client.request(post(token)) for token in tokens] == [True, True]


def test_the_token_looks_different_on_every_page(live: Scene) -> None:
    async def twice(session: Any) -> set[str]:
        return {await render(session), await render(session)}

    assert len(live.client.request(twice) | live.client.request(twice)) == 4


def test_a_page_costs_one_read_once_the_id_has_a_token(live: Scene) -> None:
    live.client.request(render)
    live.play(render)
    assert live.store.calls == ["load"]


def test_the_secret_is_no_key_of_the_session(live: Scene) -> None:
    live.client.request(render)
    assert live.stored() == "a=1 l=[1]"


ALTERED: list[Callable[[str], object]] = [
    lambda token: None,
    lambda token: "",
    lambda token: token.encode(),
    lambda token: token[:-1],
    lambda token: token + "\n",
    lambda token: ("B" if token[0] == "A" else "A") + token[1:],
    lambda token: "A" * 86 + "==",
    lambda token: "é" * 86 + "==",
    lambda token: token.swapcase(),
]


@pytest.mark.parametrize("change", ALTERED)
def test_anything_else_is_refused_and_never_an_error(
    live: Scene, change: Callable[[str], object]
) -> None:
    token = live.client.request(render)
    assert not live.client.request(post(change(token)))


def test_nothing_is_accepted_where_no_form_was_rendered(live: Scene) -> None:
    assert not live.client.request(post("A" * 86 + "=="))


def test_a_store_without_conditional_writes_has_no_tokens(live: Scene) -> None:
    live.store.guarantees = live.store.guarantees._replace(conditional=False)
    with pytest.raises(Unsupported, match="csrf_token"):
        live.client.request(render)
