"""Somebody who goes to a site of Astro's and to a function with one cookie."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from serverless_sessions.values import devalue

COOKIE = "astro-session"
PATIENCE = 60.0


class Refused(Exception):
    """The answer was an error; the argument is its status."""

    @property
    def status(self) -> int:
        status: int = self.args[0]
        return status


class SharedVisitor:
    """``id`` is what a browser has in its cookie now, None for no cookie; ``cookies`` the lines
    that brought it there."""

    def __init__(self, astro: int, function: int, session_id: str | None = None) -> None:
        self._ports = {"astro": (astro, "/probe"), "function": (function, "/")}
        self.id = session_id
        self.cookies: list[str] = []

    def again(self) -> SharedVisitor:
        """Another tab of the same browser: from now on with an id of its own."""
        (astro, _), (function, _) = self._ports["astro"], self._ports["function"]
        return SharedVisitor(astro, function, self.id)

    def astro(self, *steps: list[Any]) -> list[Any]:
        """What each step of the site gave. Raises Refused."""
        return self._ask("astro", steps)

    def function(self, *steps: list[Any]) -> list[Any]:
        """What each step of the function gave. Raises Refused."""
        return self._ask("function", steps)

    def astro_reads(self, key: str) -> Any:
        return devalue.loads(self.astro(["get", key])[0])

    def function_reads(self, key: str) -> Any:
        return devalue.loads(self.function(["get", key])[0])

    @contextmanager
    def while_waiting(self, side: str, gate: str, *steps: list[Any]) -> Iterator[list[Any]]:
        """The block runs while another tab's request, which does ``steps``, waits at ``gate``.
        What they gave, or Refused, is in the list when the block has ended."""
        tab, outcome = self.again(), []

        def slow() -> None:
            try:
                outcome.extend(tab.astro(*steps) if side == "astro" else tab.function(*steps))
            except Refused as refused:
                outcome.append(refused)

        thread = threading.Thread(target=slow)
        thread.start()
        try:
            self._send(side, "GET", f"/gates/{gate}")
            yield outcome
        finally:
            self._send(side, "POST", f"/gates/{gate}")
            thread.join(PATIENCE)

    def _ask(self, side: str, steps: tuple[list[Any], ...]) -> list[Any]:
        status, cookies, body = self._send(side, "POST", self._ports[side][1], list(steps))
        for line in cookies:
            self.cookies.append(line)
            value = line.partition(";")[0].removeprefix(f"{COOKIE}=")
            is_over = "Max-Age=0" in line or "01 Jan 1970" in line
            self.id = None if is_over else value
        if status != 200:
            raise Refused(status)
        results: list[Any] = json.loads(body)
        return results

    def _send(
        self, side: str, method: str, path: str, body: object = None
    ) -> tuple[int, list[str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._ports[side][0], timeout=PATIENCE)
        headers = {"Content-Type": "application/json"}
        if self.id is not None:
            headers["Cookie"] = f"{COOKIE}={self.id}"
        try:
            connection.request(method, path, json.dumps(body), headers)
            answer = connection.getresponse()
            cookies = answer.headers.get_all("set-cookie", [])
            assert all(line.startswith(f"{COOKIE}=") for line in cookies)
            return answer.status, cookies, answer.read().decode()
        finally:
            connection.close()


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each act gave or raised, done in threads that begin together."""
    together = threading.Barrier(len(acts))
    outcomes: list[Any] = [None] * len(acts)

    def do(number: int) -> None:
        together.wait(PATIENCE)
        try:
            outcomes[number] = acts[number]()
        except Exception as error:  # noqa: BLE001  (it is the outcome)
            outcomes[number] = error

    threads = [threading.Thread(target=do, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return outcomes
