"""From a url, the environment and credentials to an open FirestoreStore, without a connection."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import google.auth
import pytest
from google.auth.exceptions import DefaultCredentialsError, TransportError

from serverless_sessions import open_store
from serverless_sessions.errors import AccessDenied, ConfigurationError, StoreUnavailable
from serverless_sessions.urls import StoreURL
from serverless_sessions_adapters.firestore import FirestoreStore, open_url

NO_SERVER = "127.0.0.1:9"
CREDENTIALS = object()


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", NO_SERVER)
    for name in ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def signing_in(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Google's sign-in returns or raises; the emulator is not set."""
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    outcomes: list[Any] = []

    def default(**_: object) -> Any:
        outcome = outcomes.pop()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(google.auth, "default", default)
    return outcomes


@pytest.mark.parametrize(
    ("url", "project", "database", "collection"),
    [
        ("firestore", None, "(default)", "sessions"),
        ("firestore://", None, "(default)", "sessions"),
        ("firestore://shop-1", "shop-1", "(default)", "sessions"),
        ("firestore://shop-1/", "shop-1", "(default)", "sessions"),
        ("firestore://shop-1/visits", "shop-1", "(default)", "visits"),
        ("firestore:///visits", None, "(default)", "visits"),
        ("firestore://shop-1/a%20b", "shop-1", "(default)", "a b"),
        ("firestore://shop-1/visits?database=eu-1", "shop-1", "eu-1", "visits"),
        ("firestore://shop-1?database=(default)", "shop-1", "(default)", "sessions"),
    ],
)
def test_urls(
    emulated: None, url: str, project: str | None, database: str, collection: str
) -> None:
    location = open_url(StoreURL.parse(url)).location
    assert (location.project, location.database, location.collection) == (
        project,
        database,
        collection,
    )


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("firestore://shop-1/a/b", "collection"),
        ("firestore://shop-1/..", "collection"),
        ("firestore://shop-1/__a__", "collection"),
        ("firestore://shop_1/a", "project"),
        ("firestore://-/a", "project"),
        ("firestore://shop-1/a?database=EU", "database"),
        ("firestore://shop-1/a?database=", "database"),
        ("firestore://shop-1/a?region=eu", "region"),
        ("firestore://me@shop-1/a", "user"),
        ("firestore://shop-1:80/a", "port"),
    ],
)
def test_wrong_urls(emulated: None, url: str, named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        open_url(StoreURL.parse(url))


def test_the_scheme_is_installed(emulated: None) -> None:
    assert isinstance(open_store("firestore://shop-1/visits"), FirestoreStore)


def test_the_emulators_project_is_the_environments(
    emulated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "from-the-environment")
    with closing(FirestoreStore()) as store:
        assert store.client.client.project == "from-the-environment"


def test_the_client_has_what_the_url_names(emulated: None) -> None:
    with closing(FirestoreStore("visits", project="shop-1", database="eu-1")) as store:
        client = store.client.client
        assert client._database_string == "projects/shop-1/databases/eu-1"


def test_credentials_tell_the_project(signing_in: list[Any]) -> None:
    credentials = CREDENTIALS
    signing_in.append((credentials, "of-the-credentials"))
    location = FirestoreStore().location
    assert (location.project, location.credentials) == ("of-the-credentials", credentials)


def test_the_url_outranks_the_project_of_the_credentials(signing_in: list[Any]) -> None:
    signing_in.append((CREDENTIALS, "of-the-credentials"))
    assert FirestoreStore(project="shop-1").location.project == "shop-1"


def test_given_credentials_and_project_ask_nobody(signing_in: list[Any]) -> None:
    credentials = CREDENTIALS
    location = FirestoreStore(project="shop-1", credentials=credentials).location
    assert location.credentials is credentials


def test_without_a_project_it_is_asked_for(signing_in: list[Any]) -> None:
    signing_in.append((CREDENTIALS, None))
    with pytest.raises(ConfigurationError, match="GOOGLE_CLOUD_PROJECT"):
        FirestoreStore()


@pytest.mark.parametrize(
    ("refusal", "ours"),
    [(DefaultCredentialsError, AccessDenied), (TransportError, StoreUnavailable)],
)
def test_a_failed_sign_in_is_ours_and_shows_nothing_of_it(
    signing_in: list[Any], refusal: type[Exception], ours: type[Exception]
) -> None:
    signing_in.append(refusal("/home/me/secret.json"))
    with pytest.raises(ours) as raised:
        FirestoreStore(project="shop-1")
    assert "secret" not in str(raised.value)
    assert isinstance(raised.value.__cause__, refusal)


def test_the_repr_names_the_place_and_no_credentials(emulated: None) -> None:
    store = FirestoreStore("visits", project="shop-1", credentials="a secret")
    assert repr(store) == (
        "FirestoreStore(collection 'visits', database '(default)' of project shop-1)"
    )
    assert "secret" not in repr(store.location)
