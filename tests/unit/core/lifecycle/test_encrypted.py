"""Encrypted sessions: keys that come and go, and what is refused of those who lack them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from serverless_sessions import (
    CorruptRecord,
    InvalidArgument,
    SessionTooLarge,
    codec,
    ids,
    keyring,
)
from serverless_sessions.encryption import SEALED
from serverless_sessions.sealing import ID_BYTES, KeyRing
from serverless_sessions.testing.browser import Act, Browser, Driver, settled
from serverless_sessions.testing.clock import FrozenClock
from support.sealed import (
    HERS,
    NEW,
    OLD,
    READS,
    Vault,
    contents,
    doing,
    getting,
    log_in,
    setting,
    who,
)


def short_id(sealed: str) -> bytes:
    return keyring.to_bytes(sealed[len(SEALED) :])[:ID_BYTES]


def id_of(key: str) -> bytes:
    return KeyRing([key])._keys[0].id


# Keys come and go


@pytest.mark.parametrize("keys", [(NEW,), ()], ids=["dropped", "switched off"])
@pytest.mark.parametrize("act", READS.values(), ids=READS)
def test_without_its_key_a_session_is_an_error_and_stays_as_it_is(
    vault: Vault, ann: Browser, act: Act, keys: tuple[str, ...]
) -> None:
    before = vault.record(ann)
    with pytest.raises(CorruptRecord, match="SESSION_ENCRYPTION_KEYS") as refused:
        vault.browser(*keys, like=ann).request(act)
    assert vault.record(ann) == before
    assert not any(secret in str(refused.value) for secret in (OLD, NEW, ann.id, "mug", "ann"))
    assert vault.browser(NEW, OLD, like=ann).request(contents) == HERS


def test_switched_off_no_facts_of_an_encrypted_session_are_believed(
    vault: Vault, ann: Browser
) -> None:
    anonymous, plain = vault.browser(OLD), vault.browser(like=ann)
    anonymous.request(setting(seen=1))
    plain.request(doing(lambda s: s.clear()))
    assert vault.texts(ann) == {}
    for browser in (plain, vault.browser(like=anonymous)):
        for act in (READS["info"], READS["bind"], READS["unbind"], READS["regenerate"]):
            with pytest.raises(CorruptRecord, match="is encrypted, and SESSION_ENCRYPTION_KEYS"):
                browser.request(act)


@pytest.mark.parametrize("keys", [(NEW,), ()], ids=["dropped", "switched off"])
def test_the_error_names_the_key_of_the_session(
    vault: Vault, ann: Browser, keys: tuple[str, ...]
) -> None:
    with pytest.raises(CorruptRecord, match=r"'cart'.*SESSION_ENCRYPTION_KEYS"):
        vault.browser(*keys, like=ann).request(getting("cart"))


def test_what_cannot_be_read_is_overwritten_by_no_more_than_was_asked_for(
    vault: Vault, ann: Browser
) -> None:
    before, other = vault.texts(ann), vault.browser(NEW, like=ann)
    other.request(setting(seen=2))
    assert other.request(getting("seen")) == 2
    other.request(doing(lambda s: s.delete("cart")))
    after = vault.texts(ann)
    assert after.keys() == before.keys() - {"cart"}
    assert {n: t for n, t in after.items() if n != "seen"}.items() <= before.items()

    other.request(doing(lambda s: s.clear()))
    assert vault.texts(ann) == {"_sls.sealed": before["_sls.sealed"]}
    with pytest.raises(CorruptRecord):
        other.request(contents)
    other.request(doing(lambda s: s.destroy()))
    assert other.id == ""
    other.request(setting(seen=3))
    assert other.request(contents) == {"seen": 3}


def test_a_handler_that_catches_the_error_can_begin_anew(vault: Vault, ann: Browser) -> None:
    async def careful(session: Any) -> None:
        try:
            await settled(session.get("cart"))
        except CorruptRecord:
            session.destroy()
        session.bind("ann")

    other = vault.browser(NEW, like=ann)
    other.request(careful)
    assert other.request(contents) == {"@": "ann"}
    assert vault.browser(NEW, OLD, like=ann).request(contents) == {}


@pytest.mark.parametrize("act", READS.values(), ids=READS)
def test_a_session_from_before_encryption_is_an_error_and_not_read(vault: Vault, act: Act) -> None:
    plain = vault.browser()
    plain.request(log_in)
    before = vault.record(plain)
    with pytest.raises(CorruptRecord, match="without encryption, and SESSION_ENCRYPTION_KEYS"):
        vault.browser(NEW, like=plain).request(act)
    assert vault.record(plain) == before
    assert vault.browser(like=plain).request(contents) == HERS


def test_the_next_write_of_a_key_uses_the_newest(vault: Vault, ann: Browser) -> None:
    both = vault.browser(NEW, OLD, like=ann)
    before = vault.texts(ann)
    both.request(setting(seen=2))
    after = vault.texts(ann)
    assert short_id(after["seen"]) == id_of(NEW) != short_id(before["seen"])
    assert after["cart"] == before["cart"]
    assert both.request(contents) == {**HERS, "seen": 2}


@pytest.mark.parametrize("intent", ["regenerate", "bind"])
def test_a_new_id_seals_all_anew_with_the_newest_key(
    vault: Vault, ann: Browser, intent: str
) -> None:
    ann.request(doing(lambda s: s.set("code", "42", ttl=60)))
    before = vault.record(ann)
    other = vault.browser(NEW, OLD, like=ann)
    other.request(doing(lambda s: s.regenerate() if intent == "regenerate" else s.bind("ann")))
    after = vault.record(other)

    assert {short_id(entry.text) for entry in after.entries.values()} == {id_of(NEW)}
    assert after.entries.keys() == before.entries.keys()
    assert after.entries["code"].deadline == before.entries["code"].deadline
    assert (before.facts.user, after.facts.user) == KeyRing([OLD, NEW]).pseudonyms("ann")
    alone = vault.browser(NEW, like=other)
    assert alone.request(contents) == {**HERS, "code": "42"}
    assert alone.request(doing(lambda s: s.flashes())) == [("note", "hello")]


def test_the_same_user_is_known_again_after_the_key_changed(vault: Vault, ann: Browser) -> None:
    other = vault.browser(NEW, OLD, like=ann)
    other.request(doing(lambda s: s.bind("ann")))
    assert other.request(contents) == HERS
    other.request(doing(lambda s: s.bind("bob")))
    assert other.request(contents) == {"@": "bob"}


def test_sixteen_tabs_lose_nothing_while_the_keys_change(driver: Driver) -> None:
    """As in a careful roll-out: every function can read both keys, and some write each."""
    vault = Vault(driver)
    first = vault.browser(OLD)
    first.request(setting(n=0))
    rings = [(OLD, NEW), (NEW, OLD)]

    def visit(number: int) -> None:
        for turn in range(4):
            keys = rings[(number + turn) % 2]
            tab = vault.browser(*keys, like=first)
            tab.request(doing(lambda s: s.modify("n", lambda n: n + 1)))
            tab.request(setting(**{f"tab{number}.{turn}": turn}))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(visit, range(16)))
    held = vault.browser(NEW, OLD, like=first).request(contents)
    assert held.pop("n") == 64
    assert held == {f"tab{n}.{turn}": turn for n in range(16) for turn in range(4)}
    assert {short_id(text) for text in vault.texts(first).values()} == {id_of(OLD), id_of(NEW)}


# The facts' entry


def test_the_user_is_hidden_but_from_the_handler(vault: Vault, ann: Browser) -> None:
    record = vault.record(ann)
    assert record.facts.user == KeyRing([OLD]).pseudonyms("ann")[0]
    assert ann.request(who) == "ann"
    assert [*vault.memory.list_user(record.facts.user)] == [ids.stored_key(ann.id)]


async def _save_and_clear(session: Any) -> None:
    session.set("more", 1)
    await settled(session.save())
    session.clear()


async def _read_and_clear(session: Any) -> None:
    await settled(session.get("cart"))
    session.clear()


async def _clear_and_set(session: Any) -> None:
    session.clear()
    session.set("seen", 9)


async def _clear_and_regenerate(session: Any) -> None:
    session.clear()
    session.regenerate()


async def _modify_a_cleared(session: Any) -> None:
    session.clear()
    await settled(session.modify("seen", lambda n: n + 1, 8))


CLEARS: dict[str, tuple[Act, dict[str, Any]]] = {
    "blind": (doing(lambda s: s.clear()), {}),
    "saved": (_save_and_clear, {}),
    "read": (_read_and_clear, {}),
    "set": (_clear_and_set, {"seen": 9}),
    "regenerate": (_clear_and_regenerate, {}),
    "modify": (_modify_a_cleared, {"seen": 9}),
}


@pytest.mark.parametrize(("act", "left"), CLEARS.values(), ids=CLEARS)
def test_the_user_survives_a_clear_and_never_shows_among_the_keys(
    vault: Vault, ann: Browser, act: Act, left: dict[str, Any]
) -> None:
    late = vault.browser(OLD, like=ann)
    ann.request(act)
    assert ann.request(contents) == {**left, "@": "ann"}
    assert ann.request(doing(lambda s: s.keys())) is not None
    assert vault.texts(ann).keys() == {"_sls.sealed", *left}
    assert late.request(who) == "ann"


def test_a_clear_through_a_marker_spares_the_facts(vault: Vault, ann: Browser) -> None:
    late = vault.browser(OLD, like=ann)
    ann.request(doing(lambda s: s.regenerate()))
    late.request(doing(lambda s: s.clear()))
    assert ann.request(contents) == {"@": "ann"}
    assert late.request(contents) == {"@": "ann"}


def test_a_clear_of_a_session_rotated_meanwhile_spares_the_facts(
    vault: Vault, ann: Browser
) -> None:
    late = vault.browser(OLD, like=ann)

    async def slow(session: Any) -> None:
        await settled(session.get("cart"))
        await ann.send(doing(lambda s: s.regenerate()))
        session.clear()
        session.set("seen", 5)

    late.request(slow)
    assert ann.request(contents) == {"seen": 5, "@": "ann"}


def binding(user: str | None) -> Act:
    return doing(lambda session: session.bind(user))


def test_nobody_can_be_bound_under_a_pseudonym(vault: Vault, ann: Browser) -> None:
    for user in ("_sls.", "_sls.x", vault.record(ann).facts.user):
        with pytest.raises(InvalidArgument, match="the library's own"):
            ann.request(binding(user))


def test_a_key_past_its_deadline_is_absent_whoever_sealed_it(vault: Vault, ann: Browser) -> None:
    with FrozenClock() as clock:
        ann.request(doing(lambda s: s.set("code", "42", ttl=60)))

        async def wait(session: Any) -> Any:
            await settled(session.has("seen"))
            clock.advance(60)
            return await settled(session.get("code", "gone"))

        other = vault.browser(NEW, like=ann)
        with pytest.raises(CorruptRecord):
            other.request(getting("code"))
        assert ann.request(wait) == "gone"
        assert other.request(getting("code")) is None


# Sizes and compression


def test_sizes_are_counted_as_they_are_sealed(driver: Driver) -> None:
    """A value that fits without encryption is refused at its ``set``, and one that fits alone
    when the session as a whole does not."""
    vault = Vault(driver, max_bytes=400)
    plain, sealed = vault.browser(), vault.browser(OLD)
    plain.request(setting(cart="x" * 300))
    with pytest.raises(SessionTooLarge, match="'cart' takes 455 bytes, and the store holds 400"):
        sealed.request(setting(cart="x" * 300))
    with pytest.raises(SessionTooLarge, match="it takes"):
        sealed.request(setting(cart="x" * 200))
    assert sealed.id == ""
    sealed.request(setting(cart="x" * 100))
    assert sealed.request(getting("cart")) == "x" * 100


@pytest.mark.parametrize("keys", [(), (OLD,)], ids=["plain", "encrypted"])
def test_compression_is_for_the_value_that_asks_for_it_and_lasts_till_the_next_set(
    vault: Vault, keys: tuple[str, ...]
) -> None:
    browser = vault.browser(*keys)
    value = [f"{n}: {'x' * 100}" for n in range(100)]
    assert len(codec.dumps(value)) > 10_000

    async def append(session: Any) -> None:
        (await settled(session.get("big"))).append("y")

    def size() -> int:
        return len(vault.texts(browser)["big"])

    small = 1200

    browser.request(doing(lambda s: s.set("big", list(value), compress=True)))
    assert size() < small
    browser.request(append)
    assert size() < small
    browser.request(doing(lambda s: s.modify("big", lambda big: [*big, "z"])))
    assert size() < small
    browser.request(doing(lambda s: s.regenerate()))
    assert size() < small
    assert browser.request(getting("big")) == [*value, "y", "z"]
    browser.request(setting(big=list(range(1000))))
    assert size() > 3000


def test_a_value_too_large_to_compress_is_refused_at_its_set(vault: Vault) -> None:
    with pytest.raises(SessionTooLarge, match="'big' takes 1000005 bytes; 1000000 are allowed"):
        vault.browser(OLD).request(doing(lambda s: s.set("big", "x" * 1_000_001, compress=True)))
