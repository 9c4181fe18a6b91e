"""``serverless-sessions migrate``: the sessions into another store, while functions use them."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from ..store import SessionStore
from ..urls import StoreURL
from .journal import Journal
from .moving import Move, Tally, refuse_unlike
from .operators import counting, end_with_finding, opened, operator_command, print_json
from .verifying import Verification, verify

_WORDS = {
    "copied": "copied",
    "updated": "changed since, carried over",
    "unchanged": "as they were",
    "kept": "newer in the target, left there",
    "ended": "ended in one store, ended in the target too",
    "expired": "come to their end",
    "too_large": "too large for the target, not copied",
}


@operator_command("migrate")
@click.option(
    "--from",
    "source_url",
    envvar="SESSION_STORE_FROM",
    required=True,
    help="Url of the store that has the sessions. Default: SESSION_STORE_FROM.",
)
@click.option(
    "--to",
    "target_url",
    envvar="SESSION_STORE_TO",
    required=True,
    help="Url of the store that gets them. Default: SESSION_STORE_TO.",
)
@click.option("--dry-run", is_flag=True, help="Count what a run would do. Nothing is written.")
@click.option(
    "--switched",
    is_flag=True,
    help="Functions use the target by now: sessions that are gone from it were ended there.",
)
@click.option(
    "--journal",
    "journal_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that notes what has been copied. Default: one for this pair of urls in .sessions.",
)
@click.option("--verify/--no-verify", "verifies", default=True, help="Compare all copies after.")
@click.option(
    "--workers",
    default=8,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Sessions that are copied at the same time.",
)
@click.pass_context
def migrate(
    context: click.Context,
    source_url: str,
    target_url: str,
    dry_run: bool,
    switched: bool,
    journal_path: Path | None,
    verifies: bool,
    workers: int,
    as_json: bool,
) -> None:
    """Copy all sessions into another store.

    Run again, it carries over what has changed since. Functions may go on using the source
    meanwhile, and cookies stay valid. Run it, switch the functions over, and run it again with
    --switched once none uses the source any more. A run that was cut off is simply begun again.
    docs/operations.md says what holds in between.
    """
    if source_url == target_url:
        raise click.UsageError("--from and --to name the same store")
    path = journal_path or _journal_of(source_url, target_url)
    with opened(source_url) as source, opened(target_url) as target:
        refuse_unlike(source, target)
        journal = Journal(path if path.exists() or not dry_run else None)
        with closing(journal):
            answer = _moved(source, target, journal, dry_run, verifies, workers, as_json)
    tally, checked = answer
    names = str(StoreURL.parse(source_url)), str(StoreURL.parse(target_url))
    if as_json:
        print_json(
            {
                "from": names[0],
                "to": names[1],
                "dry_run": dry_run,
                "sessions": tally.as_dict(),
                "verification": None if checked is None else asdict(checked),
                "journal": None if dry_run else str(path),
            }
        )
    else:
        _tell(names, tally, checked, dry_run, path)
    if tally.too_large or not _is_good(checked, switched):
        end_with_finding(context)


def _moved(
    source: SessionStore,
    target: SessionStore,
    journal: Journal,
    dry_run: bool,
    verifies: bool,
    workers: int,
    quiet: bool,
) -> tuple[Tally, Verification | None]:
    move = Move(source, target, journal, workers=workers)
    with counting("looked at in the source", quiet=quiet) as tell:
        tally = move.preview(tell) if dry_run else move.run(tell)
    if dry_run or not verifies:
        return tally, None
    with counting("compared in the target", quiet=quiet) as tell:
        return tally, verify(source, target, journal, tell)


def _is_good(checked: Verification | None, switched: bool) -> bool:
    return checked is None or checked.good or (switched and not checked.differing)


def _tell(
    names: tuple[str, str],
    tally: Tally,
    checked: Verification | None,
    dry_run: bool,
    path: Path,
) -> None:
    click.echo(f"{names[0]} -> {names[1]}{' (nothing was written)' if dry_run else ''}")
    for name, count in tally.as_dict().items():
        if count:
            click.echo(f"{count:>10}  {_WORDS[name]}")
    if checked is not None:
        again = f"{checked.rewritten} were written again since"
        click.echo(f"{checked.checked:>10}  compared, of which {again}")
        if checked.differing:
            click.echo(
                f"{len(checked.differing):>10}  are not what was copied: {_some(checked.differing)}"
            )
        if checked.missing:
            gone = f"{len(checked.missing):>10}  are gone from the target: {_some(checked.missing)}"
            click.echo(f"{gone}; ended by functions there, or lost. If no function uses the target")
            click.echo(f"            yet, remove {path} and run this again.")
    if not dry_run:
        click.echo(f"The journal is {path}; remove it when the move is over.")


def _some(handles: list[str]) -> str:
    return ", ".join(handles[:5]) + (", ..." if len(handles) > 5 else "")


def _journal_of(source_url: str, target_url: str) -> Path:
    pair = hashlib.sha256(f"{source_url}\0{target_url}".encode()).hexdigest()
    return Path(".sessions") / f"migrate-{pair[:12]}.db"
