"""Builds what a store is given: records and changes, sealed for their key, within its limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from . import clock, ids, sealed_facts
from .config import SessionConfig
from .encryption import Sealer
from .errors import CorruptRecord, SessionTooLarge
from .sealed_facts import NOWHERE, Origin
from .state import Binding, Layer
from .store import RESERVED, Absence, Change, Entry, Facts, Record, size_of

CSRF: Final = RESERVED + "csrf"
LOGIN: Final = RESERVED + "login"
"""The moment of the log-in with its fraction of a second, where a limit needs an order of them."""


class Records:
    """``limit`` gives the bytes that a whole record may take, None where the store decides."""

    def __init__(
        self, config: SessionConfig, sealer: Sealer, limit: Callable[[], int | None]
    ) -> None:
        self.idle_timeout, self.touch_every = config.idle_timeout, config.touch_every
        self._config = config
        self._sealer = sealer
        self.binds_facts = sealer.binds_facts
        self._limit = limit

    def last(self, idle_timeout: int) -> None:
        """The session at hand ends when it is not used for these seconds, whatever others do."""
        self.idle_timeout = idle_timeout
        self.touch_every = min(self._config.touch_every, max(1, idle_timeout // 20))

    def new(self, key: str, changes: Layer, user: str | None) -> Record:
        """The first record of a session. Raises SessionTooLarge."""
        now = clock.now()
        facts = Facts(
            rid=ids.draw_handle(),
            created=now,
            absolute=now + self._config.absolute_timeout,
            user=user,
            authenticated_at=now if user is not None else None,
        )
        entries = {**changes.sets, **self._logged_in(user)}
        return self._record(entries, facts, key)

    def renewed(
        self,
        record: Record,
        old: str,
        new: str,
        changes: Layer,
        binding: Binding | None,
        grace_until: int,
    ) -> Record:
        """``record`` with ``changes``, sealed for another key, to which ``old`` leads until
        ``grace_until``; without the secret of the CSRF tokens, which end with the id. Raises
        SessionTooLarge, CorruptRecord."""
        now = clock.now()
        stays = {} if changes.cleared else record.entries
        goes = {CSRF, sealed_facts.NAME, *changes.removed, *changes.sets}
        opened = {
            name: self.opened(name, entry, old)
            for name, entry in stays.items()
            if entry.alive(now) and name not in goes
        }
        facts = self.facts(record, old)
        if binding is not None:
            facts = facts._replace(
                user=binding.user,
                absolute=now + self._config.absolute_timeout,
                authenticated_at=now if binding.user is not None else None,
            )
        origin = Origin(old, grace_until) if grace_until else NOWHERE
        logged_in = self._logged_in(binding.user if binding is not None else None)
        return self._record({**opened, **changes.sets, **logged_in}, facts, new, origin)

    def change(
        self, key: str, changes: Layer, seen: Record | None, expect: Mapping[str, str | Absence]
    ) -> Change:
        """One write to a live record, last read as ``seen``. Raises SessionTooLarge.

        A ``clear`` must have been read where ``binds_facts``: the facts' entry is not cleared.
        """
        entries = self._sealed(changes.sets, key)
        if changes.cleared and self.binds_facts and seen is not None:
            entries |= {n: e for n, e in seen.entries.items() if n == sealed_facts.NAME}
        self.check_size(entries)
        return Change(
            set=entries,
            remove=frozenset(changes.removed),
            clear=changes.cleared,
            idle=self._idle_deadline(),
            expect=expect,
            rid=seen.facts.rid if seen is not None else None,
            nonce=ids.draw_nonce(),
            slack=self.touch_every,
            seen=seen.rev if seen is not None else None,
        )

    def opened(self, name: str, entry: Entry, key: str) -> Entry:
        """A stored entry with its text unsealed. Raises CorruptRecord."""
        text = self._sealer.open(entry.text, key=key, name=name, deadline=entry.deadline)
        return Entry(text, entry.deadline)

    def facts(self, record: Record, key: str) -> Facts:
        """The facts of a record, its user by name. Raises CorruptRecord when they are not as they
        were sealed."""
        if self.binds_facts:
            return self._sealed_facts(record, key)[0]
        user = record.facts.user
        if sealed_facts.NAME in record.entries or (user and user.startswith(RESERVED)):
            raise CorruptRecord("the session is encrypted, and SESSION_ENCRYPTION_KEYS is not set")
        return record.facts

    def comes_from(self, old: str, record: Record, key: str) -> bool:
        """Whether a rotation brought the session from ``old`` here, its grace not yet over.

        A marker says where a session went; that it came from there only its sealed facts can
        say. Raises CorruptRecord when they do not.
        """
        if not self.binds_facts:
            return True
        origin = self._sealed_facts(record, key)[1]
        if origin.key != old:
            raise CorruptRecord("a marker leads to a session that was not rotated from there")
        return origin.until > clock.now()

    def check_value_size(self, name: str, text: str) -> None:
        """Raises SessionTooLarge when a value alone, sealed, passes the store's limit."""
        self._check_size(len(name.encode()) + self._sealer.size(text), [name])

    def logged_in_at(self, record: Record, key: str) -> float:
        """Unix time of the log-in, in whole seconds where no limit was set then."""
        entry = record.entries.get(LOGIN)
        if entry is not None:
            with suppress(CorruptRecord, ValueError):
                return float(self.opened(LOGIN, entry, key).text.strip("[]"))
        return float(record.facts.authenticated_at or record.facts.created)

    def _logged_in(self, user: str | None) -> dict[str, Entry]:
        if user is None or not self._config.max_per_user:
            return {}
        return {LOGIN: Entry(f"[{clock.precise():.6f}]")}

    def check_size(self, entries: Mapping[str, Entry]) -> None:
        """Raises SessionTooLarge when ``entries``, sealed, alone pass the store's limit."""
        self._check_size(size_of(entries), list(entries))

    def _check_size(self, size: int, of: list[str]) -> None:
        limit = self._limit()
        if limit is not None and size > limit:
            names = repr(of[0]) if len(of) == 1 else "it"
            raise SessionTooLarge(
                f"the session cannot be stored: {names} takes {size} bytes, and the store holds "
                f"{limit} for a session; keep large things elsewhere and their name in the session"
            )

    def _record(
        self, entries: Mapping[str, Entry], facts: Facts, key: str, origin: Origin = NOWHERE
    ) -> Record:
        if self.binds_facts:
            entries = {**entries, sealed_facts.NAME: Entry(sealed_facts.text_of(facts, origin))}
        if facts.user is not None:
            facts = facts._replace(user=self._sealer.pseudonyms(facts.user)[0])
        sealed = self._sealed(entries, key)
        self.check_size(sealed)
        return Record(sealed, facts, self._idle_deadline(), nonce=ids.draw_nonce())

    def _sealed_facts(self, record: Record, key: str) -> tuple[Facts, Origin]:
        entry = record.entries.get(sealed_facts.NAME)
        if entry is None:
            raise CorruptRecord(
                "the session was stored without encryption, and SESSION_ENCRYPTION_KEYS is set"
            )
        facts, origin = sealed_facts.read(self.opened(sealed_facts.NAME, entry, key).text)
        users = (None,) if facts.user is None else self._sealer.pseudonyms(facts.user)
        if record.facts not in [facts._replace(user=user) for user in users]:
            raise CorruptRecord("the facts of the session were altered in the store")
        return facts, origin

    def _sealed(self, entries: Mapping[str, Entry], key: str) -> dict[str, Entry]:
        seal = self._sealer.seal
        return {
            name: Entry(seal(e.text, key=key, name=name, deadline=e.deadline), e.deadline)
            for name, e in entries.items()
        }

    def _idle_deadline(self) -> int:
        return clock.now() + self.idle_timeout


def after(record: Record, change: Change) -> Record:
    """``record`` as ``change`` leaves it, its revision unknown."""
    return record._replace(
        entries=change.applied_to(record.entries),
        idle=change.idle or record.idle,
        rev=None,
        nonce=change.nonce,
    )
