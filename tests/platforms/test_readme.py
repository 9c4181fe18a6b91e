"""The README's handlers, each on its platform: what a visitor puts into the cart stays there."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from docs.test_snippets import ROOT, snippets
from serverless_sessions.testing.lambda_events import HttpRequest, to_event, to_response
from servers.azure_functions_host import azure_functions
from servers.functions_framework import functions_framework
from servers.process import HOST, accepts, reserved_port, running
from servers.waitress import waitress

Send = Callable[[str, str | None], tuple[str, str | None]]
"""Puts an item into the cart with a cookie, if any; gives the answer's text, and a new cookie."""
Open = Callable[[pytest.FixtureRequest, Path, dict[str, str]], AbstractContextManager[Send]]

DJANGO_SITE = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

import settings as readme
import views

named = {name: getattr(readme, name) for name in dir(readme) if name.isupper()}
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], **named)
urlpatterns = [path("cart/<sku>", views.add)]
application = get_wsgi_application()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, code in snippets(ROOT / "README.md").items():
        (tmp_path / name).write_text(code, "utf-8")
    (tmp_path / "site_of_django.py").write_text(DJANGO_SITE, "utf-8")
    return tmp_path


@contextmanager
def on_lambda(
    request: pytest.FixtureRequest, folder: Path, variables: dict[str, str]
) -> Iterator[Send]:
    runtime = request.getfixturevalue("lambda_runtime")
    with runtime.function("app.handler", folder, environment=variables) as function:

        def send(sku: str, cookie: str | None) -> tuple[str, str | None]:
            headers = [("Content-Type", "application/json")]
            headers += [("Cookie", cookie)] if cookie else []
            body = json.dumps({"sku": sku}).encode()
            event = to_event("http-api", HttpRequest("POST", "/", headers=headers, body=body))
            answer = to_response("http-api", function.invoke(event))
            return answer.body.decode(), _cookie(answer.values("set-cookie"))

        yield send


@contextmanager
def on_cloud_functions(
    request: pytest.FixtureRequest, folder: Path, variables: dict[str, str]
) -> Iterator[Send]:
    with functions_framework(folder / "main.py", "cart", variables) as framework:
        yield lambda sku, cookie: _post(framework.port, "/", {"sku": sku}, cookie)


@contextmanager
def on_azure(
    request: pytest.FixtureRequest, folder: Path, variables: dict[str, str]
) -> Iterator[Send]:
    servers = request.getfixturevalue("servers")
    host = servers.start("azure_readme", azure_functions(folder, variables))
    yield lambda sku, cookie: _post(host.port, "/api/cart", {"sku": sku}, cookie)


@contextmanager
def on_uvicorn(
    request: pytest.FixtureRequest, folder: Path, variables: dict[str, str]
) -> Iterator[Send]:
    with reserved_port() as port:
        address = ("--host", HOST, "--port", str(port))
        command = [sys.executable, "-m", "uvicorn", "api:app", "--app-dir", str(folder), *address]
        with running(command, accepts(port), variables):
            yield lambda sku, cookie: _post(port, f"/cart/{sku}", {}, cookie)


@contextmanager
def on_flask(
    request: pytest.FixtureRequest, folder: Path, variables: dict[str, str]
) -> Iterator[Send]:
    with waitress("flask_app:app", variables, folder) as port:
        yield lambda sku, cookie: _post(port, f"/cart/{sku}", {}, cookie)


@contextmanager
def on_django(
    request: pytest.FixtureRequest, folder: Path, variables: dict[str, str]
) -> Iterator[Send]:
    with waitress("site_of_django:application", variables, folder) as port:
        yield lambda sku, cookie: _post(port, f"/cart/{sku}", {}, cookie)


PLATFORMS: dict[str, Open] = {
    "AWS Lambda": on_lambda,
    "Cloud Functions": on_cloud_functions,
    "Azure Functions": on_azure,
    "FastAPI": on_uvicorn,
    "Flask": on_flask,
    "Django": on_django,
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_readmes_cart_grows(
    platform: str, request: pytest.FixtureRequest, folder: Path
) -> None:
    variables = {"SESSION_STORE": f"sqlite:///{folder / 'sessions.db'}"}
    with PLATFORMS[platform](request, folder, variables) as send:
        first, cookie = send("mug", None)
        assert cookie is not None
        second, another = send("tea", cookie)
        alone, _ = send("mug", None)
    assert [text.strip('"') for text in (first, second, alone)] == ["1 items", "2 items", "1 items"]
    assert another is None


def _post(port: int, path: str, body: dict[str, str], cookie: str | None) -> tuple[str, str | None]:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    headers = {"Content-Type": "application/json", **({"Cookie": cookie} if cookie else {})}
    try:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode(), _cookie(answer.headers.get_all("set-cookie") or [])
    finally:
        connection.close()


def _cookie(lines: list[str]) -> str | None:
    return lines[0].partition(";")[0] if lines else None
