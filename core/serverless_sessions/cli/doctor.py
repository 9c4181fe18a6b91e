"""``serverless-sessions doctor``: what is wrong with configuration and store, and what mends it."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import closing

import click
from rich.console import Console
from rich.text import Text

from .. import registry
from ..errors import (
    AccessDenied,
    ConfigurationError,
    MissingDependency,
    SessionError,
    StoreUnavailable,
    Unsupported,
)
from ..store import SessionStore
from ..urls import StoreURL
from .calls import Calls
from .diagnosis import Diagnosis, Level, of_configuration
from .operators import end_with_finding, operator_command, print_json, store_option

REACHED_SECONDS = 5.0
_MARKS = {
    Level.OK: ("ok      ", "green"),
    Level.WARNING: ("warning ", "yellow"),
    Level.ERROR: ("wrong   ", "bold red"),
}


@operator_command("doctor")
@store_option
@click.option("--strict", is_flag=True, help="A warning, too, gives exit code 1.")
@click.pass_context
def doctor(context: click.Context, url: str | None, strict: bool, as_json: bool) -> None:
    """Look whether the configuration and the store are well.

    Run it with the variables and the credentials that the functions have; it changes nothing. Each
    thing that is wrong comes with the command or the line of Terraform that mends it. Exit code 1:
    something is wrong.
    """
    config, found = of_configuration(dict(os.environ))
    chosen = url or (config.store if config is not None else None)
    found += of_store(chosen)
    worst = max(diagnosis.level for diagnosis in found)
    if as_json:
        print_json(
            {
                "ok": worst < Level.ERROR,
                "findings": [
                    {"level": d.level.name.lower(), "what": d.what, "remedy": d.remedy}
                    for d in found
                ],
            }
        )
    else:
        _show(found, worst)
    if worst is Level.ERROR or (strict and worst is Level.WARNING):
        end_with_finding(context)


def of_store(url: str | None) -> list[Diagnosis]:
    """Open the store, reach it, and let it check itself."""
    try:
        url = url or registry.default_url()
        store = registry.open_store(url)
    except MissingDependency as error:
        return [Diagnosis(Level.ERROR, *_split(str(error)))]
    except SessionError as error:
        return [_wrong(error)]
    if not isinstance(store, SessionStore):
        what = f"{type(store).__name__} can only be awaited, and cannot be looked at from here"
        return [Diagnosis(Level.WARNING, what)]
    shown = str(StoreURL.parse(url))
    with closing(store):
        return list(_looked_at(store, shown))


def _looked_at(store: SessionStore, shown: str) -> Iterator[Diagnosis]:
    try:
        Calls(store, REACHED_SECONDS).load(secrets.token_hex(32))
    except StoreUnavailable as error:
        yield Diagnosis(
            Level.ERROR,
            f"{shown} cannot be reached: {error}",
            "see whether the server runs, SESSION_STORE or the variables beside it name its host,"
            " port and region, and the network lets this machine in",
        )
    except SessionError as error:
        yield from _told_once(error, _checked(store))
    else:
        yield Diagnosis(Level.OK, f"{shown} can be reached and read")
        yield from _checked(store)


def _told_once(error: SessionError, checked: list[Diagnosis]) -> list[Diagnosis]:
    """That reading failed, and what the store found: it knows better why, and what mends it."""
    told: list[Diagnosis] = []
    reasons: set[str] = set()
    for one in checked:
        if one.level is Level.OK or _reason(one.what) not in reasons:
            told.append(one)
        if one.level is Level.ERROR:
            reasons.add(_reason(one.what))
    is_explained = bool(reasons) and isinstance(error, ConfigurationError)
    return told if is_explained or _reason(str(error)) in reasons else [_wrong(error), *told]


def _checked(store: SessionStore) -> list[Diagnosis]:
    try:
        findings = store.check()
    except Unsupported:
        return []
    except SessionError as error:
        return [_wrong(error)]
    return [
        Diagnosis(Level.OK, one.what) if one.ok else Diagnosis(Level.ERROR, one.what, one.remedy)
        for one in findings
    ]


def _reason(message: str) -> str:
    """Without what was being done: one reason fails one call after another."""
    return message.partition(": ")[2] or message


def _wrong(error: SessionError) -> Diagnosis:
    """Of what no store has looked into."""
    match error:
        case ConfigurationError():
            remedy = "mend SESSION_STORE, or the variable that is named; docs/stores.md has each"
        case AccessDenied():
            remedy = "sign in with credentials that are valid, and let them do this"
        case _:
            remedy = "see whether the server runs and is well"
    return Diagnosis(Level.ERROR, str(error), remedy)


def _split(message: str) -> tuple[str, str]:
    what, _, remedy = message.rpartition(": ")
    return what, remedy


def _show(found: list[Diagnosis], worst: Level) -> None:
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for diagnosis in found:
        console.print(Text.assemble(_MARKS[diagnosis.level], diagnosis.what))
        if diagnosis.remedy:
            console.print(Text(f"         -> {diagnosis.remedy}", "dim"))
    console.print(
        {
            Level.OK: "All is well.",
            Level.WARNING: "It works; see the warnings.",
            Level.ERROR: "Something is wrong.",
        }[worst]
    )
