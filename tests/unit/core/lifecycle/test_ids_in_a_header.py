"""Ids that arrive, and are told, in a header of choice."""

from __future__ import annotations

import pytest

from serverless_sessions import ConfigurationError, header, ids
from serverless_sessions.testing.browser import Driver
from support.arrivals import CONFIG, Client, log_in, log_out, look, put


@pytest.fixture
def api(driver: Driver) -> Client:
    return Client(driver, id_from=header("X-Session-Id"))


def test_a_new_id_goes_out_in_the_header_with_no_store_and_opens_the_session(api: Client) -> None:
    api.request(put)
    [(name, session_id)] = [api.outcome.issued or ("", "")]
    assert (name, len(session_id)) == ("X-Session-Id", 43)
    sent = api.outcome.applied_to([("x-session-id", "forged"), ("Cache-Control", "public")])
    assert sent == [
        ("Cache-Control", "no-store"),
        ("X-Session-Id", session_id),
        ("Vary", "X-Session-Id"),
    ]
    assert api.request(look, {"x-session-id": [session_id]}) == 1
    assert api.outcome.applied_to([]) == [("Cache-Control", "private"), ("Vary", "X-Session-Id")]


def test_an_id_in_the_cookie_is_not_looked_at_where_the_header_counts(api: Client) -> None:
    api.request(put)
    session_id = (api.outcome.issued or ("", ""))[1]
    cookie = f"{api.manager.config.cookie_name}={session_id}"
    api.store.calls.clear()
    assert api.request(look, {"cookie": [cookie]}) is None
    assert api.store.calls == []


def test_fact_5_an_id_in_a_header_is_ignored_where_none_was_chosen(driver: Driver) -> None:
    plain = Client(driver)
    plain.request(put)
    issued = (plain.outcome.set_cookie or "").partition("=")[2].partition(";")[0]
    assert plain.request(look, {"x-session-id": [issued], "authorization": [issued]}) is None


def test_an_id_made_up_in_the_header_is_neither_adopted_nor_echoed(api: Client) -> None:
    for made_up in (ids.draw(), "x" * 10_000, "../..", "a, b", "é" * 43, ""):
        api.request(put, {"x-session-id": [made_up]})
        assert (api.outcome.issued or ("", made_up))[1] != made_up


def test_a_malformed_header_costs_no_read_and_is_told(driver: Driver) -> None:
    events: list[str] = []
    api = Client(
        driver,
        CONFIG.changed(on_event=lambda event: events.append(event.name)),
        id_from=header("X-Session-Id"),
    )
    assert api.request(look, {"x-session-id": ["nonsense"]}) is None
    assert (api.store.calls, events) == ([], ["refused_id"])


def test_the_first_two_ids_of_a_header_are_tried_in_order(api: Client) -> None:
    api.request(put)
    good = (api.outcome.issued or ("", ""))[1]
    assert api.request(look, {"x-session-id": [ids.draw(), f" {good}\t"]}) == 1
    assert api.request(look, {"x-session-id": [ids.draw(), ids.draw(), good]}) is None


def test_a_rotation_and_a_log_in_send_the_new_id_in_the_header(api: Client) -> None:
    api.request(put)
    first = (api.outcome.issued or ("", ""))[1]
    api.request(log_in, {"x-session-id": [first]})
    second = (api.outcome.issued or ("", ""))[1]
    assert second != first
    assert api.request(look, {"x-session-id": [first]}) is None
    assert api.request(look, {"x-session-id": [second]}) == 1


def test_a_log_out_sends_no_header(api: Client) -> None:
    api.request(put)
    session_id = (api.outcome.issued or ("", ""))[1]
    api.request(log_out, {"x-session-id": [session_id]})
    assert api.outcome.issued is None
    assert api.request(look, {"x-session-id": [session_id]}) is None


TAKEN = ["Cookie", "SET-COOKIE", "host", "Accept", "accept-language", "Range", "Cache-Control"]


@pytest.mark.parametrize("name", ["", "X Session", "X-Id:", "Ü", *TAKEN])
def test_a_name_that_cannot_be_used_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="X-Session-Id"):
        header(name)
