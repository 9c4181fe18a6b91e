"""What a session does to the headers of a response, rule by rule."""

from __future__ import annotations

import pytest

from serverless_sessions.headers import Headers, Outcome

COOKIE = "session=abc; Path=/; Secure; HttpOnly"
SETS, READS, NOTHING = Outcome(("Set-Cookie", COOKIE)), Outcome(accessed=True), Outcome()


def values(headers: Headers, name: str) -> list[str]:
    return [value for given, value in headers if given.lower() == name.lower()]


def test_nothing_to_say_changes_nothing() -> None:
    headers = [("cache-control", "public, max-age=60"), ("Vary", "Accept"), ("ETag", '"1"')]
    assert not NOTHING
    assert NOTHING.applied_to(headers) == headers


@pytest.mark.parametrize("outcome", [SETS, READS, Outcome(("Set-Cookie", COOKIE), accessed=True)])
def test_an_outcome_with_something_to_say_is_true(outcome: Outcome) -> None:
    assert outcome


def test_an_empty_set_cookie_counts() -> None:
    assert ("Set-Cookie", "") in Outcome(("Set-Cookie", "")).applied_to([])


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ([], "no-store"),
        (["public"], "no-store"),
        (["public, max-age=60, s-maxage=90"], "no-store"),
        (["Public, MAX-AGE=60", "S-MaxAge=90"], "no-store"),
        (["max-age = 60"], "no-store"),
        (["no-store"], "no-store"),
        (["NO-STORE, private"], "no-store, private"),
        (["private, no-cache"], "no-store, private, no-cache"),
        (["must-revalidate", "no-transform"], "no-store, must-revalidate, no-transform"),
        (['private="Set-Cookie, X-Id", max-age=1'], 'no-store, private="Set-Cookie, X-Id"'),
        (["max-agent=1, publicity"], "no-store, max-agent=1, publicity"),
        (["", " , "], "no-store"),
    ],
)
def test_a_cookie_forbids_storing_and_keeps_other_directives(given: list[str], sent: str) -> None:
    headers = SETS.applied_to([("cache-Control", value) for value in given])
    assert values(headers, "cache-control") == [sent]


@pytest.mark.parametrize(
    "name",
    [
        "CDN-Cache-Control",
        "Cloudflare-CDN-Cache-Control",
        "netlify-cdn-cache-control",
        "surrogate-control",
        "Surrogate-Control",
        "Edge-Control",
        "X-Accel-Expires",
    ],
)
def test_a_cookie_drops_what_speaks_to_shared_caches(name: str) -> None:
    assert values(SETS.applied_to([(name, "max-age=600")]), name) == []
    assert values(READS.applied_to([(name, "max-age=600")]), name) == ["max-age=600"]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ([], ["private"]),
        ([("Cache-Control", ""), ("cache-control", " ,")], ["private"]),
        ([("Cache-Control", "public, max-age=60")], ["public, max-age=60"]),
        ([("CACHE-CONTROL", "no-cache")], ["no-cache"]),
    ],
)
def test_a_read_is_private_where_the_handler_did_not_say(given: Headers, sent: list[str]) -> None:
    assert values(READS.applied_to(given), "cache-control") == sent


@pytest.mark.parametrize("outcome", [SETS, READS])
@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ([], ["Cookie"]),
        (["Accept"], ["Accept, Cookie"]),
        (["Accept", "Origin, Accept-Language"], ["Accept, Origin, Accept-Language, Cookie"]),
        (["Accept, cookie"], ["Accept, cookie"]),
        (["Cookie", "Accept"], ["Cookie", "Accept"]),
        (["*"], ["*"]),
        (["Accept, *"], ["Accept, *"]),
        (["Cookies"], ["Cookies, Cookie"]),
    ],
)
def test_vary_names_the_cookie_once(outcome: Outcome, given: list[str], sent: list[str]) -> None:
    headers = outcome.applied_to([("vary", value) for value in given])
    assert values(headers, "vary") == sent


def test_set_cookie_comes_after_the_handlers_own() -> None:
    own = [("set-cookie", "a=1"), ("Set-Cookie", "b=2")]
    assert values(SETS.applied_to(own), "set-cookie") == ["a=1", "b=2", COOKIE]


def test_a_read_sends_no_cookie() -> None:
    assert values(READS.applied_to([]), "set-cookie") == []


def test_other_headers_stay_in_order_and_the_callers_list_is_untouched() -> None:
    given = [("ETag", '"1"'), ("Cache-Control", "public"), ("X-A", "1"), ("Vary", "Accept")]
    before = list(given)
    sent = SETS.applied_to(given)
    assert [name for name, _ in sent if name in ("ETag", "X-A")] == ["ETag", "X-A"]
    assert given == before


def test_headers_may_come_from_any_iterable() -> None:
    assert ("X-A", "1") in READS.applied_to(iter([("X-A", "1")]))
