"""Encrypted sessions under somebody who can write to the store: nothing can be moved or forged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from serverless_sessions import CorruptRecord, ids
from serverless_sessions.sealing import KeyRing
from serverless_sessions.testing.browser import Act, Browser
from serverless_sessions.testing.clock import FrozenClock
from support.sealed import HERS, OLD, READS, Vault, contents, doing, getting, setting, who

MALLORYS = {"cart": ["mallory's"], "seen": 1, "spare": 1}


@pytest.fixture
def mallory(vault: Vault) -> Browser:
    browser = vault.browser(OLD)
    browser.request(setting(**MALLORYS))
    return browser


def test_an_entry_of_another_session_is_refused(
    vault: Vault, ann: Browser, mallory: Browser
) -> None:
    entries = dict(vault.record(ann).entries)
    vault.overwrite_entries(ann, {**entries, "cart": vault.record(mallory).entries["cart"]})
    with pytest.raises(CorruptRecord, match="'cart' does not open"):
        ann.request(getting("cart"))
    assert ann.request(getting("seen")) == 1


def test_an_entry_under_another_name_is_refused(vault: Vault, ann: Browser) -> None:
    entries = dict(vault.record(ann).entries)
    vault.overwrite_entries(ann, {**entries, "role": entries["cart"]})
    for act in (getting("role"), doing(lambda s: s.has("role")), contents):
        with pytest.raises(CorruptRecord, match="'role' does not open"):
            ann.request(act)


def test_an_entry_with_another_deadline_is_refused(vault: Vault, ann: Browser) -> None:
    ann.request(doing(lambda s: s.set("code", "42", ttl=60)))
    entries = dict(vault.record(ann).entries)
    for deadline in (None, (entries["code"].deadline or 0) + 1):
        altered = entries["code"]._replace(deadline=deadline)
        vault.overwrite_entries(ann, {**entries, "code": altered})
        with pytest.raises(CorruptRecord, match="'code' does not open"):
            ann.request(getting("code"))
    vault.overwrite_entries(ann, entries)
    assert ann.request(getting("code")) == "42"


def test_a_whole_record_is_refused_under_another_id(
    vault: Vault, ann: Browser, mallory: Browser
) -> None:
    hers = vault.record(ann)
    vault.overwrite(mallory, lambda _: hers)
    for act in READS.values():
        with pytest.raises(CorruptRecord):
            mallory.request(act)


ALTERED: dict[str, Callable[[Any], Any]] = {
    "rid": lambda facts: facts._replace(rid="x" * 16),
    "created": lambda facts: facts._replace(created=facts.created + 1),
    "absolute": lambda facts: facts._replace(absolute=facts.absolute + 1),
    "user": lambda facts: facts._replace(user=KeyRing([OLD]).pseudonyms("bob")[0]),
    "user by name": lambda facts: facts._replace(user="ann"),
    "no user": lambda facts: facts._replace(user=None),
    "authenticated_at": lambda facts: facts._replace(authenticated_at=facts.created + 1),
}


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
def test_altered_facts_are_refused_wherever_they_count(
    vault: Vault, ann: Browser, alter: Callable[[Any], Any]
) -> None:
    assert ann.request(who) == "ann"
    vault.overwrite(ann, lambda record: record._replace(facts=alter(record.facts)))
    for name in ("info", "bind", "bind again", "unbind", "regenerate"):
        with pytest.raises(CorruptRecord, match="altered in the store"):
            ann.request(READS[name])


def test_nobody_becomes_another_user_by_writing_to_the_store(
    vault: Vault, ann: Browser, mallory: Browser
) -> None:
    hers = vault.record(ann)
    mallorys = vault.record(mallory)
    entries = {**mallorys.entries, "_sls.sealed": hers.entries["_sls.sealed"]}
    vault.overwrite(mallory, lambda record: record._replace(facts=hers.facts, entries=entries))
    with pytest.raises(CorruptRecord, match=r"'_sls\.sealed' does not open"):
        mallory.request(who)
    entries.pop("_sls.sealed")
    vault.overwrite_entries(mallory, entries)
    with pytest.raises(CorruptRecord, match="without encryption"):
        mallory.request(who)


@pytest.mark.parametrize("act", [*READS.values(), setting(seen="mallory's")])
def test_a_marker_leads_nobody_into_anothers_session(
    vault: Vault, ann: Browser, mallory: Browser, act: Act
) -> None:
    """Whoever can write to the store has a session of their own lead to Ann's, or Ann's to
    theirs. Neither is read there, nor written to."""
    for lured, target in ((mallory, ann), (ann, mallory)):
        there, here = vault.record(target), vault.memory._kept[ids.stored_key(lured.id)]
        vault.mark(lured, ids.stored_key(target.id), until=2**40)
        with pytest.raises(CorruptRecord, match="a marker leads to a session"):
            lured.request(act)
        assert vault.record(target) == there
        vault.memory._kept[ids.stored_key(lured.id)] = here


def test_a_markers_grace_is_not_the_stores_to_prolong(vault: Vault, ann: Browser) -> None:
    with FrozenClock() as clock:
        late = vault.browser(OLD, like=ann)
        ann.request(doing(lambda s: s.regenerate()))
        vault.mark(late, ids.stored_key(ann.id), until=2**40)
        assert late.request(contents) == HERS
        clock.advance(29)
        late.request(setting(seen=2))
        assert late.request(getting("seen")) == 2
        clock.advance(1)
        for act in (contents, getting("seen")):
            assert not late.request(act)
        late.request(setting(seen=3))
        assert late.request(contents) == {"seen": 3}
        assert ann.request(getting("seen")) == 2
