"""Store urls: every part read, every secret masked, everything unknown refused."""

import pytest

from serverless_sessions.errors import ConfigurationError
from serverless_sessions.urls import Parameters, StoreURL

FULL = "redis://us%40er:p%2Fw@Example.com:6379/a%20b?prefix=x%3Dy&endpoint=http://h:1/p"


def test_every_part_is_read_and_decoded() -> None:
    url = StoreURL.parse(FULL)
    assert (url.scheme, url.user, url.password) == ("redis", "us@er", "p/w")
    assert (url.host, url.port, url.path) == ("Example.com", 6379, "/a b")
    assert url.query == {"prefix": "x=y", "endpoint": "http://h:1/p"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sqlite", StoreURL("sqlite")),
        ("SQLite", StoreURL("sqlite")),
        ("azure-tables", StoreURL("azure-tables")),
        ("sqlite://", StoreURL("sqlite")),
        ("sqlite:///a.db", StoreURL("sqlite", path="/a.db")),
        ("sqlite:////a/b.db", StoreURL("sqlite", path="//a/b.db")),
        ("dynamodb://Table_1?region=", StoreURL("dynamodb", host="Table_1", query={"region": ""})),
        ("redis://:pw@h", StoreURL("redis", password="pw", host="h")),
        ("redis://u:a:b@h", StoreURL("redis", user="u", password="a:b", host="h")),
        ("redis://[::1]:1/0", StoreURL("redis", host="::1", port=1, path="/0")),
        ("x://h?token=a+b%2B", StoreURL("x", host="h", query={"token": "a+b+"})),
    ],
)
def test_forms(text: str, expected: StoreURL) -> None:
    assert StoreURL.parse(text) == expected


@pytest.mark.parametrize("shown", [str, repr, "{}".format, "{!r:}".format])
def test_secrets_are_masked_wherever_it_is_shown(shown: object) -> None:
    assert callable(shown)
    text = shown(StoreURL.parse("redis://user:hunter2@host:1/0?token=hunter3&tls=on"))
    assert "redis://***@host:1/0?token=***&tls=***" in text
    for secret in ("user", "hunter2", "hunter3", "on'"):
        assert secret not in text


def test_a_password_without_a_user_is_masked_as_such() -> None:
    assert str(StoreURL.parse("redis://:hunter2@host")) == "redis://***@host"


def test_an_ipv6_host_is_shown_in_brackets() -> None:
    assert str(StoreURL.parse("redis://[::1]:1")) == "redis://[::1]:1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "no url",
        "://hunter2",
        "redis:hunter2",
        "redis:/hunter2",
        "redis://u:hunter2/x@host",
        "redis://u:12/hunter2@host",
        "redis://u:12?hunter2@host",
        "redis://u:hunter2#x@host",
        "redis://host:port-hunter2",
        "redis://host/hunter2@x",
        "redis://host?hunter2",
        "redis://host/a%0ahunter2",
        "redis://host/a\nhunter2",
        "redis://host#hunter2",
    ],
)
def test_what_cannot_be_read_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        StoreURL.parse(text)
    assert "hunter2" not in str(refused.value)
    assert "sqlite:///sessions.db" in str(refused.value)


def test_a_url_that_cannot_be_read_is_refused_without_trying_every_way_to_read_it() -> None:
    """Tried in every way, there are more of them than a processor can count to."""
    with pytest.raises(ConfigurationError):
        StoreURL.parse(f"x://h?{'a=' * 100}#")


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'a' twice"):
        StoreURL.parse("x://?a=1&a=2")


def test_parameters_have_types_and_defaults() -> None:
    url = StoreURL.parse("x://?text=t&number=12&yes=TRUE&no=0&one=b")
    with url.parameters() as take:
        assert (take.text("text"), take.text("other", "default")) == ("t", "default")
        assert (take.integer("number", 1), take.integer("more", 7)) == (12, 7)
        assert (take.flag("yes", False), take.flag("no", True)) == (True, False)
        assert (take.flag("on", True), take.flag("off", False)) == (True, False)
        assert (take.choice("one", "a", "b"), take.choice("two", "a", "b")) == ("b", "a")


@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "0", "1_000", "٣", "9" * 19])
def test_a_wrong_number_is_refused_by_name(value: str) -> None:
    with (
        pytest.raises(
            ConfigurationError, match="'n' must be a whole number, at least 1"
        ) as refused,
        StoreURL.parse(f"x://?n={value}").parameters() as take,
    ):
        take.integer("n", 5, least=1)
    assert f"={value or '?'}" not in str(refused.value)


def test_a_wrong_flag_or_choice_is_refused_by_name() -> None:
    url = StoreURL.parse("x://?f=maybe&c=z")
    with pytest.raises(ConfigurationError, match="'f' must be on or off"):
        Parameters(url).flag("f", True)
    with pytest.raises(ConfigurationError, match="'c' must be a or b"):
        Parameters(url).choice("c", "a", "b")


def test_an_unknown_parameter_is_refused_with_those_allowed() -> None:
    parameters = Parameters(StoreURL.parse("x://?regoin=hunter2"))
    parameters.text("region")
    parameters.text("endpoint")
    with pytest.raises(ConfigurationError, match="'regoin'; allowed are: endpoint, region") as e:
        parameters.refuse_the_rest()
    assert "hunter2" not in str(e.value)
    with (
        pytest.raises(ConfigurationError, match="'a'; allowed are: none"),
        StoreURL.parse("x://?a=1").parameters(),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "part"),
    [("x://u@", "user"), ("x://:p@", "password"), ("x://h", "host"), ("x://:1", "port")],
)
def test_a_part_that_a_store_has_no_use_for_is_refused(text: str, part: str) -> None:
    with pytest.raises(ConfigurationError, match=f"takes no {part}, only path, parameters"):
        StoreURL.parse(text).allow_parts("path")
    StoreURL.parse("x:///p?a=1").allow_parts("path")
