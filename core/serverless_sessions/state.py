"""What one invocation changed in its session, before any of it is stored. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple

from .compression import compressed
from .store import NONE, Entry


class Undecided(Enum):
    """This invocation has not touched the name: what is stored counts."""

    UNDECIDED = "undecided"


UNDECIDED = Undecided.UNDECIDED


class Underway:
    """Intents wait while steps are under way, which read and change the same state.

    They look that state up when they are carried out: a destroy before them has put another
    in its place.
    """

    __slots__ = ("_depth", "_waiting")

    def __init__(self) -> None:
        self._depth = 0
        self._waiting: list[Callable[[], None]] = []

    def intend(self, intent: Callable[[], None]) -> None:
        if self._depth:
            self._waiting.append(intent)
        else:
            intent()

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        while self._waiting and not self._depth:
            self._waiting.pop(0)()


class Layer:
    """Sets and removals, to be laid over what is stored; ``cleared`` hides all of that first."""

    __slots__ = ("cleared", "removed", "sets")

    def __init__(
        self,
        sets: Mapping[str, Entry] = NONE,
        removed: Iterable[str] = (),
        *,
        cleared: bool = False,
    ) -> None:
        self.sets = dict(sets)
        self.removed = set(removed)
        self.cleared = cleared

    def __bool__(self) -> bool:
        return bool(self.sets or self.removed or self.cleared)

    def set(self, name: str, entry: Entry) -> None:
        self.removed.discard(name)
        self.sets[name] = entry

    def remove(self, name: str) -> None:
        self.sets.pop(name, None)
        self.removed.add(name)

    def forget(self, name: str) -> None:
        self.sets.pop(name, None)
        self.removed.discard(name)

    def find(self, name: str) -> Entry | Undecided | None:
        if name in self.sets:
            return self.sets[name]
        return None if self.cleared or name in self.removed else UNDECIDED

    def lay(self, upper: Layer) -> None:
        """Add the changes of ``upper``, which were made later."""
        if upper.cleared:
            self.sets, self.removed, self.cleared = {}, set(), True
        for name in upper.removed:
            self.remove(name)
        for name, entry in upper.sets.items():
            self.set(name, entry)


class HandedOut:
    """A value the handler holds, and its encoding when it got it (None: it cannot change)."""

    __slots__ = ("before_bind", "compressed", "deadline", "text", "value")

    def __init__(
        self, value: Any, text: str | None, deadline: int | None, is_compressed: bool
    ) -> None:
        self.value = value
        self.text = text
        self.deadline = deadline
        self.compressed = is_compressed
        self.before_bind = False


class Binding(NamedTuple):
    """The user to bind to; ``drops`` when the data goes whoever the session belonged to."""

    user: str | None
    drops: bool


class State:
    """Pending changes and intents.

    ``bind`` splits the changes: those made before it belong to the former user, and go with
    that user's data when another one logs in. Who that was is known only once the session is
    read, so both layers are kept till then.
    """

    __slots__ = ("_above", "_below", "binding", "handed_out", "regenerating")

    def __init__(self) -> None:
        self._below = Layer()
        self._above = Layer()
        self.binding: Binding | None = None
        self.regenerating = False
        self.handed_out: dict[str, HandedOut] = {}

    @property
    def dirty(self) -> bool:
        return bool(self._above or self._below or self.binding)

    @property
    def clears(self) -> bool:
        return self._above.cleared or self._below.cleared

    def set(self, name: str, entry: Entry) -> None:
        self.handed_out.pop(name, None)
        self._above.set(name, entry)

    def remove(self, name: str) -> None:
        self.handed_out.pop(name, None)
        self._above.remove(name)

    def clear(self) -> None:
        self.handed_out.clear()
        self._above = Layer(cleared=True)

    def bind(self, user: str | None) -> None:
        before = self.binding
        leaves = user is None or (before is not None and before.user not in (None, user))
        if leaves:
            self._below, self._above = Layer(), Layer()
            self.handed_out.clear()
        elif before is None:
            self._below, self._above = self._above, Layer()
            for handed in self.handed_out.values():
                handed.before_bind = True
        self.binding = Binding(user, drops=leaves or (before is not None and before.drops))

    def regenerate(self) -> None:
        self.regenerating = True

    def keeps_data_of(self, stored_user: str | None) -> bool:
        """Whether a session of ``stored_user`` keeps its data under the pending binding."""
        if self.binding is None:
            return True
        return not self.binding.drops and stored_user in (None, self.binding.user)

    def decides(self, name: str) -> bool:
        """Whether ``name`` can be answered without knowing what is stored."""
        return self._above.find(name) is not UNDECIDED

    def find(self, name: str, stored_user: str | None) -> Entry | Undecided | None:
        """What this invocation made of ``name``: an entry, None for removed, or UNDECIDED."""
        found = self._above.find(name)
        if found is not UNDECIDED:
            return found
        return self._below.find(name) if self.keeps_data_of(stored_user) else None

    def held(self, name: str, stored_user: str | None) -> HandedOut | None:
        """The value of ``name`` that the handler holds already."""
        handed = self.handed_out.get(name)
        if handed is not None and handed.before_bind and not self.keeps_data_of(stored_user):
            return None
        return handed

    def changes(self, stored_user: str | None) -> Layer:
        """All changes in one layer, for a session that belongs to ``stored_user``."""
        keeps = self.keeps_data_of(stored_user)
        whole = Layer(cleared=not keeps)
        if keeps:
            whole.lay(self._below)
        whole.lay(self._above)
        return whole

    def absorb(self, encode: Callable[[str, Any], str]) -> None:
        """Turn what the handler changed inside the values it holds into pending sets."""
        for name, handed in self.handed_out.items():
            if handed.text is None:
                continue
            text = encode(name, handed.value)
            if text != handed.text:
                handed.text = text
                layer = self._below if handed.before_bind and self.binding else self._above
                stored = compressed(name, text) if handed.compressed else text
                layer.set(name, Entry(stored, handed.deadline))

    def forget(self, name: str) -> None:
        """``name`` was stored apart from the rest."""
        self.handed_out.pop(name, None)
        self._above.forget(name)
        self._below.forget(name)

    def stored(self, stored_user: str | None) -> None:
        """All changes are stored; values that the handler holds stay its own."""
        self.handed_out = dict(self._still_held(stored_user))
        self._below, self._above = Layer(), Layer()
        self.binding, self.regenerating = None, False

    def _still_held(self, stored_user: str | None) -> Iterator[tuple[str, HandedOut]]:
        for name in self.handed_out:
            handed = self.held(name, stored_user)
            if handed is not None:
                handed.before_bind = False
                yield name, handed
