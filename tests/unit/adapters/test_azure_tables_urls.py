"""Azure Tables: what urls and the environment can say, and what they cannot."""

from __future__ import annotations

from contextlib import closing

import pytest

from serverless_sessions import clock, open_store
from serverless_sessions.errors import ConfigurationError
from serverless_sessions.testing.cases.base import created, loaded, session, texts
from serverless_sessions_adapters.azure_tables import AzureTablesStore
from servers.azurite import ACCOUNT, KEY, Azurite

SECRET = "c2VjcmV0"
VARIABLES = ("AZURE_STORAGE_KEY", "AZURE_STORAGE_CONNECTION_STRING", "AzureWebJobsStorage")
PUBLIC = "table.core.windows.net"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    return monkeypatch


def opened(url: str) -> AzureTablesStore:
    store = open_store(url)
    assert isinstance(store, AzureTablesStore)
    store.close()
    return store


def place(url: str) -> tuple[str, str]:
    """Where requests would go, and to which table."""
    client = opened(url).client.client
    return client.url, client.table_name


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("azure-tables://mine", (f"https://mine.{PUBLIC}", "sessions")),
        ("azure-tables://mine/", (f"https://mine.{PUBLIC}", "sessions")),
        ("azure-tables://mine/Other1", (f"https://mine.{PUBLIC}", "Other1")),
        (
            "azure-tables://mine/t00?endpoint=https://mine.table.core.chinacloudapi.cn/",
            ("https://mine.table.core.chinacloudapi.cn", "t00"),
        ),
    ],
)
def test_an_account_with_its_key_or_an_identity(
    environment: pytest.MonkeyPatch, url: str, expected: tuple[str, str]
) -> None:
    assert place(url) == expected
    assert opened(url).client.credential is not None
    environment.setenv("AZURE_STORAGE_KEY", SECRET)
    assert place(url) == expected
    assert opened(url).client.credential is None


@pytest.mark.parametrize(
    ("url", "variable", "table"),
    [
        ("azure-tables", "AZURE_STORAGE_CONNECTION_STRING", "sessions"),
        ("azure-tables:///other", "AZURE_STORAGE_CONNECTION_STRING", "other"),
        ("azure-tables:///other?connection=AzureWebJobsStorage", "AzureWebJobsStorage", "other"),
    ],
)
def test_a_connection_string_is_taken_from_the_environment(
    environment: pytest.MonkeyPatch, url: str, variable: str, table: str
) -> None:
    for text, where in (
        (f"AccountName=mine;AccountKey={SECRET}", f"https://mine.{PUBLIC}"),
        (
            f"AccountName=mine;AccountKey={SECRET};EndpointSuffix=core.usgovcloudapi.net;"
            "DefaultEndpointsProtocol=https",
            "https://mine.table.core.usgovcloudapi.net",
        ),
        (
            f"AccountName=mine;SharedAccessSignature=sv=1&sig=x;TableEndpoint=https://a.{PUBLIC}",
            f"https://a.{PUBLIC}",
        ),
        ("UseDevelopmentStorage=true", f"http://127.0.0.1:10002/{ACCOUNT}"),
    ):
        environment.setenv(variable, text)
        assert place(url) == (where, table)


REFUSED = {
    "azure-tables://mine/no": "a table's name is 3 to 63 letters and digits",
    "azure-tables://mine/1table": "a table's name",
    "azure-tables://mine/my-table": "a table's name",
    "azure-tables://mine/a/b": "a table's name",
    "azure-tables://My_Account": "a storage account's name is 3 to 24 digits and lower-case",
    f"azure-tables://mine.{PUBLIC}/sessions": "a storage account's name",
    "azure-tables://user@mine/sessions": "takes no user",
    f"azure-tables://mine:{SECRET}@mine": "takes no user",
    "azure-tables://mine:443/sessions": "takes no port",
    f"azure-tables://mine?key={SECRET}": "unknown parameter 'key'",
    f"azure-tables://mine?connection={SECRET}": "name an account, and perhaps its endpoint, or",
    "azure-tables:///t00?endpoint=https://a": "name an account",
    f"azure-tables:///t00?connection=AccountKey%3D{SECRET}": "is the name of an environment",
    "azure-tables:///t00?connection=ELSEWHERE": "ELSEWHERE is not set",
    "azure-tables": "AZURE_STORAGE_CONNECTION_STRING is not set; .*azure-tables://ACCOUNT/TABLE",
    "azure-tables://mine?endpoint=mine": "'endpoint' must be the https url",
    "azure-tables://mine?endpoint=ftp://mine": "'endpoint' must be",
    f"azure-tables://mine?endpoint=https://mine/%3Fsig={SECRET}": "'endpoint' must be",
    f"azure-tables://mine?endpoint=https://a:{SECRET}@mine": "'endpoint' must be",
    "azure-tables://mine?endpoint=http://127.0.0.1:10002/mine": "AZURE_STORAGE_KEY must be set",
}


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_cannot_be_served(url: str) -> None:
    with pytest.raises(ConfigurationError, match=REFUSED[url]) as refused:
        open_store(url)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("text", [SECRET, f"AccountKey={SECRET}", f"AccountName=;{SECRET}", "a=b"])
def test_a_broken_connection_string_is_not_shown(
    environment: pytest.MonkeyPatch, text: str
) -> None:
    environment.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    with pytest.raises(ConfigurationError, match="AZURE_STORAGE_CONNECTION_STRING is not") as no:
        open_store("azure-tables")
    assert SECRET not in f"{no.value} {no.value.__cause__}"


def test_no_secret_shows_in_a_repr(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AZURE_STORAGE_KEY", SECRET)
    store = opened("azure-tables://mine/other")
    assert repr(store) == "AzureTablesStore('other')"
    assert SECRET not in f"{store.client!r} {store.__dict__!r} {store.operations!r}"


@pytest.mark.parametrize("by_account", [True, False])
def test_what_a_url_names_is_where_sessions_are(
    environment: pytest.MonkeyPatch, azurite: Azurite, by_account: bool
) -> None:
    environment.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
    environment.setenv("AZURE_STORAGE_KEY", KEY)
    account = f"{ACCOUNT}/urls?endpoint={azurite.endpoint}"
    store = open_store(f"azure-tables://{account}" if by_account else "azure-tables:///urls")
    assert isinstance(store, AzureTablesStore)
    with closing(store):
        store.provision()
        key = created(store, session({"a": "1"}))
        assert texts(loaded(store, key)) == {"a": "1"}
        assert loaded(store, key).deadline > clock.now()
