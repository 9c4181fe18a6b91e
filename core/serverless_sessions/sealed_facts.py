"""A session's facts as one of its own entries, so that they can be sealed like the others.

A store knows a session's facts to keep, list and end it. With encryption on they are not
believed from there: who holds the session, since when and until when, and which key a rotation
has brought here, are what this entry says. Facts change only when a record is written whole, and
so does it.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from .store import RESERVED, Facts

NAME: Final = RESERVED + "sealed"
"""Not ``_sls.facts``, under which document stores keep a record's facts among its entries."""


class Origin(NamedTuple):
    """The stored key that leads here, and the Unix second at which it no longer does."""

    key: str = ""
    until: int = 0


NOWHERE: Final = Origin()


def text_of(facts: Facts, origin: Origin) -> str:
    return json.dumps([*facts, *origin], separators=(",", ":"))


def read(text: str) -> tuple[Facts, Origin]:
    fields = json.loads(text)
    count = len(Facts._fields)
    return Facts(*fields[:count]), Origin(*fields[count:])
