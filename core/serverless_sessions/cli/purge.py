"""``serverless-sessions purge``: expired sessions out of stores that keep them until told."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from .. import clock
from ..errors import Unsupported
from ..store import SessionStore
from .operators import counting, opened, operator_command, print_json, store_option

BATCH = 500
BATCH_SECONDS = 60.0


@operator_command("purge")
@store_option
@click.option(
    "--rate",
    default=100,
    show_default=True,
    type=click.IntRange(1),
    help="Records removed in a second, at most on average.",
)
@click.option("--limit", type=click.IntRange(1), help="Records removed in all, at most.")
def purge(url: str | None, rate: int, limit: int | None, as_json: bool) -> None:
    """Remove expired sessions where the store keeps them.

    Azure Tables, Netlify Blobs, files and SQLite do so until told; the others remove them by
    themselves. A run that was cut off is simply begun again.
    """
    with opened(url) as store:
        if not store.guarantees.purges:
            raise Unsupported(f"{type(store).__name__} removes expired sessions by itself")
        with counting("removed", quiet=as_json, total=limit) as tell:
            gone = purged(store, rate, limit, tell)
    if as_json:
        print_json({"removed": gone})
    else:
        click.echo(f"{gone} expired records were removed.")


def purged(store: SessionStore, rate: int, limit: int | None, tell: Callable[[int], None]) -> int:
    """How many went: all, or ``limit``."""
    began, gone = time.monotonic(), 0
    size = min(BATCH, rate)
    while limit is None or gone < limit:
        wanted = size if limit is None else min(size, limit - gone)
        with clock.call_limit(BATCH_SECONDS):
            went = store.purge(wanted)
        gone += went
        tell(went)
        if went < wanted:
            break
        time.sleep(max(0.0, began + gone / rate - time.monotonic()))
    return gone
