"""Types that users register."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from serverless_sessions.errors import ConfigurationError, CorruptRecord, UnsupportedValue
from serverless_sessions.values import BigInt, Codec, RegExp, Undefined


@dataclass(frozen=True)
class Money:
    amount: int
    currency: str


class Special(Money):
    pass


def money(_: Any) -> Money:
    return Money(1, "EUR")


def special(_: Any) -> Special:
    return Special(1, "EUR")


def fail(_: Any) -> Money:
    raise ZeroDivisionError


def money_codec() -> Codec:
    codec = Codec()
    codec.register(Money, "Money", lambda m: [m.amount, m.currency], lambda p: Money(*p))
    return codec


def test_a_registered_type_comes_back() -> None:
    codec = money_codec()
    price = Money(5, "EUR")
    text = codec.dumps({"price": price, "again": price, price: {price}})
    assert text.count('["Money",') == 1
    back = codec.loads(text)
    assert back == {"price": price, "again": price, price: {price}}
    assert type(back["price"]) is Money
    assert back["price"] is back["again"]


def test_codecs_do_not_share_registrations() -> None:
    text = money_codec().dumps(Money(5, "EUR"))
    with pytest.raises(CorruptRecord, match="registered"):
        Codec().loads(text)
    with pytest.raises(UnsupportedValue, match="register"):
        Codec().dumps(Money(5, "EUR"))


def test_subclasses_need_their_own_registration() -> None:
    with pytest.raises(UnsupportedValue, match="Special"):
        money_codec().dumps(Special(5, "EUR"))


def test_registering_again_replaces_the_functions() -> None:
    codec = money_codec()
    codec.register(Money, "Money", lambda m: m.amount, lambda p: Money(p, "USD"))
    assert codec.loads(codec.dumps(Money(5, "EUR"))) == Money(5, "USD")


@pytest.mark.parametrize(
    "tag", ["", "9", "a b", "é", "py:Money", "a" * 65, "-a", '"', 5, None, "Money\n"]
)
def test_wrong_tags(tag: Any) -> None:
    with pytest.raises(ConfigurationError, match="tag"):
        Codec().register(Money, tag, vars, money)


@pytest.mark.parametrize("tag", ["Map", "Set", "Date", "Uint8Array", "null", "Temporal.PlainDate"])
def test_standard_tags_are_taken(tag: str) -> None:
    with pytest.raises(ConfigurationError, match="taken"):
        Codec().register(Money, tag, vars, money)


@pytest.mark.parametrize(
    "kind", [int, str, float, dict, tuple, bytes, type(None), Decimal, RegExp, BigInt, Undefined]
)
def test_types_that_are_stored_anyway(kind: type) -> None:
    with pytest.raises(ConfigurationError, match="without a registration"):
        Codec().register(kind, "Mine", lambda x: x, lambda x: x)


def test_clashing_registrations() -> None:
    codec = money_codec()
    with pytest.raises(ConfigurationError, match="registered already"):
        codec.register(Money, "Other", vars, money)
    with pytest.raises(ConfigurationError, match="taken"):
        codec.register(Special, "Money", vars, special)
    with pytest.raises(ConfigurationError, match="class"):
        codec.register("Money", "Other", vars, vars)  # type: ignore[arg-type]


def test_a_codec_shared_with_astro_takes_no_types() -> None:
    with pytest.raises(ConfigurationError, match="Astro"):
        Codec(astro=True).register(Money, "Money", vars, money)


def test_errors_of_the_users_functions() -> None:
    codec = Codec()
    codec.register(Money, "Money", lambda m: 1 // m.amount, fail)
    with pytest.raises(UnsupportedValue, match=r"^cart\.price: .*Money.*ZeroDivisionError") as e:
        codec.dumps({"price": Money(0, "EUR")}, key="cart")
    assert type(e.value.__cause__) is ZeroDivisionError
    with pytest.raises(CorruptRecord, match="ZeroDivisionError") as c:
        codec.loads('[["Money",1],1]')
    assert type(c.value.__cause__) is ZeroDivisionError


@pytest.mark.parametrize("text", ['[["Money"]]', '[["Money",0]]', '[["Money",1],[0]]'])
def test_wrong_texts_of_a_registered_type(text: str) -> None:
    with pytest.raises(CorruptRecord):
        money_codec().loads(text)


@pytest.mark.parametrize(
    "encode", [lambda m: m, lambda m: [m], lambda m: Money(m.amount + 1, "EUR")]
)
def test_an_encode_function_that_never_ends(encode: Any) -> None:
    codec = Codec()
    codec.register(Money, "Money", encode, lambda p: p)
    with pytest.raises(UnsupportedValue, match=r"cycle|nested"):
        codec.dumps(Money(1, "EUR"))


def test_a_decoded_key_that_cannot_be_hashed() -> None:
    codec = Codec()
    codec.register(Money, "Money", vars, lambda _: [])  # type: ignore[arg-type,return-value]
    with pytest.raises(CorruptRecord, match="hashed"):
        codec.loads('[["Set",1],["Money",-1]]')
