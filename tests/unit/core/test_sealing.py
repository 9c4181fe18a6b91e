"""Sealed texts: what opens them, what does not, and what they show."""

from __future__ import annotations

import hmac
import os
import subprocess
import sys
from itertools import combinations
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from serverless_sessions import ConfigurationError, CorruptRecord, MissingDependency, keyring
from serverless_sessions.compression import compressed, is_compressed
from serverless_sessions.encryption import SEALED, Plain, sealer_of
from serverless_sessions.sealing import ID_BYTES, NONCE_BYTES, TAG_BYTES, KeyRing, _place

OLD, NEW, OTHER = (keyring.draw() for _ in range(3))
RING = KeyRing([NEW, OLD])
KEY = "ab" * 32
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
TEXTS = NAMES.filter(lambda text: not is_compressed(text))
DEADLINES = st.none() | st.integers(0, 2**40)


class Place(NamedTuple):
    key: str
    name: str
    deadline: int | None

    @property
    def arguments(self) -> dict[str, Any]:
        return self._asdict()


PLACES = st.builds(Place, NAMES, NAMES, DEADLINES)
HERE = Place(KEY, "cart", None)


def seal(text: str, place: Place = HERE, ring: KeyRing = RING) -> str:
    return ring.seal(text, **place.arguments)


def opened(sealed: str, place: Place = HERE, ring: KeyRing = RING) -> str:
    return ring.open(sealed, **place.arguments)


@given(TEXTS, PLACES)
def test_a_text_opens_where_it_was_sealed(text: str, place: Place) -> None:
    sealed = seal(text, place)
    assert sealed.startswith(SEALED)
    assert opened(sealed, place) == text
    assert RING.size(text) == len(sealed.encode())


@given(TEXTS)
def test_a_compressed_text_comes_back_as_it_was(text: str) -> None:
    small = compressed("k", text)
    sealed = seal(small)
    assert opened(sealed) == small
    assert RING.size(small) == len(sealed)


@given(PLACES, PLACES)
def test_no_text_opens_at_another_place(sealed_for: Place, place: Place) -> None:
    assume(sealed_for != place)
    with pytest.raises(CorruptRecord):
        opened(seal("[1]", sealed_for), place)


@pytest.mark.parametrize(
    "place",
    [
        Place("cd" * 32, "cart", None),
        Place(KEY, "cart2", None),
        Place(KEY, "car", None),
        Place(KEY, "cart", 0),
        Place(KEY, "cart", 1),
    ],
    ids=["another session", "a longer name", "a shorter name", "a deadline of 0", "a deadline"],
)
def test_no_text_opens_under_another_session_name_or_deadline(place: Place) -> None:
    sealed = seal("[1]")
    assert opened(sealed) == "[1]"
    with pytest.raises(CorruptRecord, match=f"'{place.name}' does not open"):
        opened(sealed, place)
    with pytest.raises(CorruptRecord, match="'cart' does not open"):
        opened(seal("[1]", place))


@given(st.lists(PLACES, min_size=2, max_size=5, unique=True))
def test_no_two_places_have_the_same_associated_data(places: list[Place]) -> None:
    assert len({_place(*place) for place in places}) == len(places)


def test_parts_that_run_together_are_different_places() -> None:
    alike = [Place("ab", "c", 12), Place("a", "bc", 12), Place("ab", "c1", 2), Place("abc", "", 12)]
    for one, other in combinations(alike, 2):
        assert _place(*one) != _place(*other)
        with pytest.raises(CorruptRecord):
            opened(seal("[1]", one), other)


PARTS = {
    "prefix": (0, len(SEALED)),
    "key id": (3, 8),
    "nonce": (9, 24),
    "ciphertext": (25, 100),
    "tag": (-22, None),
}
# Its last character has bits to spare, which a lenient decoder would pass over.
LONG = seal("x" * 101)


@pytest.mark.parametrize(("start", "end"), PARTS.values(), ids=PARTS)
def test_one_flipped_bit_is_enough_to_refuse_a_text(start: int, end: int | None) -> None:
    """Every bit of seven at every position: of a stored text there is no other spelling."""
    assert opened(LONG) == "x" * 101
    for position in range(len(LONG))[start:end]:
        for bit in range(7):
            flipped = chr(ord(LONG[position]) ^ (1 << bit))
            with pytest.raises(CorruptRecord):
                opened(LONG[:position] + flipped + LONG[position + 1 :])


@given(TEXTS, st.data())
def test_one_flipped_bit_of_any_text_at_any_place_is_refused(text: str, data: Any) -> None:
    place = data.draw(PLACES)
    sealed = bytearray(seal(text, place).encode())
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 6))
    with pytest.raises(CorruptRecord):
        opened(sealed.decode(), place)


@given(st.integers(0, len(LONG) - 1), st.text(max_size=3))
def test_a_text_cut_short_or_made_longer_is_refused(length: int, more: str) -> None:
    with pytest.raises(CorruptRecord):
        opened(LONG[:length])
    assume(more)
    with pytest.raises(CorruptRecord):
        opened(LONG + more)


@given(st.text())
def test_whatever_a_store_holds_opens_or_is_corrupt(text: str) -> None:
    for stored in (text, SEALED + text):
        with pytest.raises(CorruptRecord):
            opened(stored)


@pytest.mark.parametrize("text", ["[1]", "", "-1", "z", compressed("k", "[1]"), '{"a":1}'])
def test_there_is_no_plaintext_fallback(text: str) -> None:
    with pytest.raises(CorruptRecord, match="'cart' is stored without encryption"):
        opened(text)


def test_sealed_texts_are_corrupt_once_encryption_is_switched_off() -> None:
    with pytest.raises(CorruptRecord, match="'cart' is encrypted, and SESSION_ENCRYPTION_KEYS"):
        Plain().open(seal("[1]"), **HERE.arguments)


def test_the_first_key_writes_and_all_read() -> None:
    before, during, after = KeyRing([OLD]), KeyRing([NEW, OLD]), KeyRing([NEW])
    by_old, by_new = seal("[1]", ring=before), seal("[2]", ring=during)
    assert opened(by_old, ring=during) == "[1]"
    assert opened(by_new, ring=during) == opened(by_new, ring=after) == "[2]"
    for ring, sealed in ((before, by_new), (after, by_old)):
        with pytest.raises(CorruptRecord, match="'cart' was sealed with a key that SESSION_ENC"):
            opened(sealed, ring=ring)


def test_a_wrong_key_with_the_right_short_id_does_not_open() -> None:
    impostor = KeyRing([OTHER])
    impostor._by_id = {RING._keys[0].id: impostor._keys[0]}
    with pytest.raises(CorruptRecord, match="does not open"):
        opened(seal("[1]"), ring=impostor)


def test_two_keys_of_one_short_id_make_no_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serverless_sessions.sealing.ID_BYTES", 0)
    monkeypatch.setattr("serverless_sessions.sealing._Key._derived", lambda *_, **__: b"")
    with pytest.raises(ConfigurationError, match="short id"):
        KeyRing([NEW, OLD])


def test_nonces_never_repeat() -> None:
    start = len(SEALED)
    nonces = {
        keyring.to_bytes(seal("1")[start:])[ID_BYTES : ID_BYTES + NONCE_BYTES]
        for _ in range(100_000)
    }
    assert len(nonces) == 100_000
    assert all(len(nonce) == NONCE_BYTES == 12 for nonce in nonces)


def test_one_text_never_looks_the_same_twice() -> None:
    assert len({seal("[1]") for _ in range(100)}) == 100


def test_sealing_costs_46_bytes_and_a_third() -> None:
    assert [len(seal("x" * length)) - length for length in (0, 3, 300)] == [46, 47, 146]
    assert ID_BYTES + NONCE_BYTES + TAG_BYTES == 32


def test_each_session_and_each_purpose_has_a_key_of_its_own() -> None:
    key = RING._keys[0]
    derived = [
        key._derived("values", KEY),
        key._derived("values", "cd" * 32),
        key._derived("users"),
        key._derived("id", length=32),
        key._secret,
    ]
    assert len(set(derived)) == len(derived)


@pytest.mark.parametrize(("deadline", "shown"), [(None, b""), (12, b"12")])
def test_version_key_name_and_deadline_are_the_associated_data(
    deadline: int | None, shown: bytes
) -> None:
    """Worked out here by hand, and the key as RFC 5869 says: HMAC to extract with no salt, HMAC to
    expand in one block."""
    extracted = hmac.digest(bytes(32), keyring.read([NEW])[0], "sha256")
    info = b"serverless-sessions/1/values/" + KEY.encode()
    derived = hmac.digest(extracted, info + b"\x01", "sha256")
    parts = (b"e1.", KEY.encode(), b"cart", shown)
    associated = b"".join(len(part).to_bytes(4, "big") + part for part in parts)

    sealed = seal("[1]", Place(KEY, "cart", deadline))
    data = keyring.to_bytes(sealed.removeprefix("e1."))[ID_BYTES:]
    nonce, secret = data[:NONCE_BYTES], data[NONCE_BYTES:]
    assert AESGCM(derived).decrypt(nonce, secret, associated) == b"[1]"


def test_a_user_has_a_pseudonym_by_each_key_the_newest_first() -> None:
    [by_new], [by_old] = KeyRing([NEW]).pseudonyms("ann"), KeyRing([OLD]).pseudonyms("ann")
    assert RING.pseudonyms("ann") == (by_new, by_old)
    assert by_new != by_old
    assert KeyRing([NEW]).pseudonyms("ann") != KeyRing([NEW]).pseudonyms("ann ")
    user = "ann@example.com"  # "ann" can stand in a pseudonym by chance
    assert user not in "".join(RING.pseudonyms(user))
    assert Plain().pseudonyms("ann") == ("ann",)


def test_no_key_shows_in_the_rings_repr_or_in_what_it_raises() -> None:
    said = [repr(RING), repr(RING._keys), str(RING)]
    for stored in ("[1]", seal("[1]", ring=KeyRing([OTHER])), LONG[:-1], LONG[:40]):
        with pytest.raises(CorruptRecord) as refused:
            opened(stored)
        error: BaseException | None = refused.value
        while error is not None:
            said.append(f"{error!r} {error}")
            error = error.__cause__ or error.__context__
    assert all(secret not in text for secret in (OLD, NEW, OTHER, KEY) for text in said)


@pytest.mark.parametrize("text", ["", "[1]", "ключ"])
def test_without_keys_a_text_is_left_as_it_is(text: str) -> None:
    plain = sealer_of(())
    assert isinstance(plain, Plain)
    assert plain.seal(text, **HERE.arguments) == plain.open(text, **HERE.arguments) == text
    assert plain.size(text) == len(text.encode())


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingDependency, match=r'pip install "serverless-sessions\[encryption\]"'):
        sealer_of([NEW])
    assert isinstance(sealer_of(()), Plain)


def test_without_keys_the_package_is_not_imported() -> None:
    program = (
        "import sys; from serverless_sessions import MemoryStore, SessionConfig, SessionManager\n"
        "SessionManager(MemoryStore(), SessionConfig())\n"
        "print([name for name in sys.modules if name.startswith('cryptography')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@settings(max_examples=20)
@given(st.binary(min_size=32, max_size=32))
def test_any_32_bytes_are_a_key(secret: bytes) -> None:
    ring = KeyRing([keyring.to_text(secret)])
    assert opened(seal(os.urandom(3).hex(), ring=ring), ring=ring)
