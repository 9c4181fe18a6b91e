"""The codec that stores hold: one dialect, and the types that users add to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import ConfigurationError, CorruptRecord
from . import python, readers, writers
from .decoder import Decoder, corrupt, decode
from .encoder import Encoder, Writer, encode
from .readers import only_slot
from .refusal import Refused
from .types import BigInt, Undefined

_TAG = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_BUILT_IN = (str, int, float, BigInt, Undefined)
T = TypeVar("T")


class Codec:
    """Values to text and back. ``astro=True``: nothing is written that Astro could not read."""

    def __init__(self, *, astro: bool = False) -> None:
        self._astro = astro
        self._write = writers.JAVASCRIPT if astro else python.write_dialect()
        self._read = readers.JAVASCRIPT if astro else python.read_dialect()
        self._registered: dict[type, str] = {}

    def dumps(self, value: Any, *, key: str = "value") -> str:
        """The text of ``value``; UnsupportedValue naming ``key`` and the path below it."""
        return encode(value, self._write, key)

    def loads(self, text: str) -> Any:
        """The value of ``text``; CorruptRecord where it cannot be decoded."""
        return decode(text, self._read)

    def register(
        self, type_: type[T], tag: str, encode: Callable[[T], Any], decode: Callable[[Any], T]
    ) -> None:
        """Store values of exactly this type as what ``encode`` returns; ``decode`` takes it back.

        Registering a pair of type and tag again replaces its functions. ConfigurationError for
        a wrong tag, a tag or type that is taken, and for a codec of stores shared with Astro.
        """
        self._check_registration(type_, tag)
        self._write.writers[type_] = _writer(tag, encode)
        self._write.built.add(type_)
        self._read.readers[tag] = _reader(decode)
        self._read.hashable.add(tag)
        self._registered[type_] = tag

    def _check_registration(self, type_: type, tag: str) -> None:
        if self._astro:
            raise ConfigurationError(
                "types cannot be registered where Astro reads the store; use a store of its own"
            )
        if not isinstance(type_, type):
            raise ConfigurationError(f"register takes a class first, not {type_!r}")
        if not isinstance(tag, str) or not _TAG.fullmatch(tag):
            raise ConfigurationError(
                f"the tag {tag!r} must be 1 to 64 ASCII letters, digits, '_', '.' or '-', "
                "not starting with a digit, '.' or '-'"
            )
        name = type_.__qualname__
        if self._registered.get(type_, tag) != tag:
            taken = self._registered[type_]
            raise ConfigurationError(f"{name} is registered already, under the tag {taken!r}")
        if type_ in self._registered:
            return
        if tag in self._read.readers:
            raise ConfigurationError(f"the tag {tag!r} is taken; choose another for {name}")
        if type_ in self._write.writers or type_ in _BUILT_IN or python.is_late_type(type_):
            raise ConfigurationError(f"{name} is stored without a registration")


def _writer(tag: str, encode: Callable[[Any], Any]) -> Writer:
    def write(encoder: Encoder, value: Any, depth: int) -> str:
        try:
            payload = encoder.keep(encode(value))
        except Exception as error:
            name = type(value).__qualname__
            raise Refused(
                f"the registered encode function of {name} raised {type(error).__name__}"
            ) from error
        return f'["{tag}",{encoder.index(payload, depth)}]'

    return write


def _reader(decode: Callable[[Any], Any]) -> Callable[[Decoder, list[Any], int, int], Any]:
    def read(decoder: Decoder, raw: list[Any], place: int, depth: int) -> Any:
        payload = decoder.value(only_slot(raw, place), depth)
        try:
            return decode(payload)
        except CorruptRecord:
            raise
        except Exception as error:
            raise corrupt(
                f"the registered decode function of slot {place} raised {type(error).__name__}"
            ) from error

    return read
