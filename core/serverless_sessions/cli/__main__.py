"""``python -m serverless_sessions.cli``, which is also how ``--reload`` starts the server."""

from __future__ import annotations

from . import main

main()
