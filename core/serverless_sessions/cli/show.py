"""``serverless-sessions show``: one session, its values only where asked for."""

from __future__ import annotations

import re
from typing import Any

import click

from .. import clock, ids
from ..config import SessionConfig
from ..encryption import sealer_of
from ..errors import Moved, SessionNotFound, Unsupported
from ..opened import decoded
from ..records import Records
from ..store import RESERVED, Entry, Record, SessionStore, size_of
from ..values import codec
from .calls import Calls
from .operators import counting, opened, operator_command, print_json, store_option

_STORED_KEY = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@operator_command("show")
@click.argument("session", metavar="HANDLE|KEY")
@store_option
@click.option("--values", is_flag=True, help="Decode and print what users put there.")
def show(session: str, url: str | None, values: bool, as_json: bool) -> None:
    """Show a session's facts, and what is in it by name and size.

    It is named by the handle that logs and `list` give, for which the whole store is searched, or
    by its key in the store.
    """
    with opened(url) as store:
        key, record = _found(store, session, quiet=as_json)
        told = _told(key, record, values)
    if as_json:
        print_json(told)
        return
    entries = told.pop("entries")
    for name, value in told.items():
        click.echo(f"{name:17} {'-' if value is None else value}")
    for entry in entries:
        shown = f"  {entry['value']}" if values else ""
        click.echo(f"  {entry['name']}  {entry['bytes']} bytes{shown}")


def _found(store: SessionStore, session: str, *, quiet: bool) -> tuple[str, Record]:
    """Raises SessionNotFound, Unsupported."""
    if _STORED_KEY.fullmatch(session):
        found = Calls(store).load(session)
        if isinstance(found, Moved):
            session = found.to
            found = Calls(store).load(session)
        if isinstance(found, Record):
            return session, found
    elif ids.is_handle(session):
        if not store.guarantees.scans:
            raise Unsupported(f"{type(store).__name__} cannot be searched; name the session's key")
        with counting("searched", quiet=quiet) as tell:
            for key, record in store.scan():
                tell(1)
                if record.facts.rid == session:
                    return key, record
    raise SessionNotFound("no live session has this handle or key")


def _told(key: str, record: Record, values: bool) -> dict[str, Any]:
    config = SessionConfig.from_env()
    records = Records(config, sealer_of(config.encryption_keys), lambda: None)
    facts = records.facts(record, key) if values else record.facts
    now, since = clock.now(), facts.authenticated_at
    shown = {n: e for n, e in record.entries.items() if e.alive(now)}
    return {
        "handle": facts.rid,
        "user": facts.user,
        "created_at": clock.moment(facts.created),
        "authenticated_at": clock.moment(since) if since is not None else None,
        "expires_at": clock.moment(record.deadline),
        "bytes": size_of(record.entries),
        "entries": [_entry(records, key, n, e, values) for n, e in sorted(shown.items())],
    }


def _entry(records: Records, key: str, name: str, entry: Entry, values: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "bytes": len(entry.text.encode())}
    if entry.deadline is not None:
        told["ends_at"] = clock.moment(entry.deadline)
    if values:
        is_ours = name.startswith(RESERVED)
        told["value"] = (
            "(not shown)"
            if is_ours
            else repr(decoded(codec, name, records.opened(name, entry, key).text))
        )
    return told
