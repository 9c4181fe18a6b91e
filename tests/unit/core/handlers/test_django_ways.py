"""Whatever is done to a Django session in whatever order, the next request finds what a dict would
hold, under one live key; by Django's engine alone, and in requests that our middleware serves."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from serverless_sessions import MemoryStore
from serverless_sessions.arrival import Request
from support import django_site

django_site.configure()

from django.test import override_settings  # noqa: E402  (needs the settings)

from serverless_sessions.handlers.django import SessionStore, sessions  # noqa: E402

NAME = "__Host-session"
STEPS = st.one_of(
    st.tuples(st.sampled_from(["set", "delete", "append"]), st.sampled_from("abc")),
    st.tuples(st.sampled_from(["clear", "save", "cycle", "flush", "create"]), st.just("")),
    st.tuples(st.just("next"), st.just("")),
)


class Player:
    """Takes the steps with a session and with a dict."""

    def __init__(self, store: MemoryStore, serves: bool) -> None:
        self.store, self.serves = store, serves
        self.key: str | None = None
        self.kept: dict[str, Any] = {}
        self._begin()

    def take(self, step: str, name: str) -> None:
        session, held = self.session, self.held
        match step:
            case "set":
                session[name] = held[name] = [1]
            case "delete" if name in held:
                del session[name], held[name]
            case "append" if name in held:
                session[name].append(2)
                held[name].append(2)
                session.modified = True
            case "clear":
                session.clear()
                held.clear()
            case "flush":
                session.flush()
                held.clear()
                self._stored()
            case "save":
                session.save()
                self._stored()
            case "create" if session.session_key is None:
                session.create()
                self._stored()
            case "cycle":
                before = session.session_key
                session.cycle_key()
                assert session.session_key != before
                self._stored()
            case "next":
                self._end()
                self._begin()
        assert dict(session.items()) == held

    def _begin(self) -> None:
        if self.serves:
            cookies = [f"{NAME}={self.key}"] if self.key else []
            self.session = SessionStore.serving(sessions().begin(Request.with_cookies(*cookies)))
        else:
            self.session = SessionStore(self.key)
        self.held = copy.deepcopy(self.kept)
        assert dict(self.session.items()) == self.held

    def _end(self) -> None:
        if not self.serves:
            return
        sent = self.session.end_request(failed=False).set_cookie
        if sent is not None:
            self.key = sent.partition(";")[0].partition("=")[2] or None
        self.kept = copy.deepcopy(self.held)

    def _stored(self) -> None:
        self.kept = copy.deepcopy(self.held)
        if not self.serves:
            self.key = self.session.session_key
        live = list(self.store.scan())
        assert len(live) == (0 if self.session.session_key is None else 1)


@pytest.mark.parametrize("serves", [False, True])
@settings(max_examples=150)
@given(steps=st.lists(STEPS, max_size=10))
@example(steps=[("set", "a"), ("next", ""), ("append", "a"), ("set", "a")])
def test_the_next_request_finds_what_a_dict_would_hold(
    serves: bool, steps: list[tuple[str, str]]
) -> None:
    store = MemoryStore()
    with override_settings(SESSION_STORE=store):
        player = Player(store, serves)
        for step, name in [*steps, ("next", "")]:
            player.take(step, name)
        assert len(list(store.scan())) <= 1
