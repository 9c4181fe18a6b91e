import pytest

from serverless_sessions.csrf import is_cross_site
from serverless_sessions.errors import InvalidArgument

HOST = {"host": "shop.example.com"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_pass_from_anywhere(method: str) -> None:
    assert not is_cross_site(method, {"Sec-Fetch-Site": "cross-site", "Origin": "null"})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "get", "TRACE", ""])
def test_every_other_method_is_checked(method: str) -> None:
    assert is_cross_site(method, {"Sec-Fetch-Site": "cross-site"})


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_browser_that_says_same_origin_passes(site: str) -> None:
    assert not is_cross_site("POST", {"Sec-Fetch-Site": site})


@pytest.mark.parametrize(
    "site", ["cross-site", "same-site", "", "SAME-ORIGIN", "same-origin, none"]
)
def test_every_other_fetch_site_is_refused(site: str) -> None:
    assert is_cross_site("POST", {"Sec-Fetch-Site": site})


def test_fetch_site_outranks_an_origin_that_the_proxy_renamed() -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "https://shop.example.com", "Host": "fn"}
    assert not is_cross_site("POST", headers)


def test_fetch_site_outranks_a_matching_origin() -> None:
    origin = {"Origin": "https://shop.example.com"}
    assert is_cross_site("POST", {"Sec-Fetch-Site": "cross-site", **origin, **HOST})


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://shop.example.com", "shop.example.com"),
        ("https://Shop.Example.com", "shop.example.COM"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_without_fetch_site_the_origin_must_be_the_host(origin: str, host: str) -> None:
    assert not is_cross_site("POST", {"Origin": origin, "Host": host})


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://evil.example.com",
        "https://example.com",
        "https://shop.example.com.evil.com",
        "https://evilshop.example.com",
        "https://shop.example.com:8443",
        "https://shop.example.com/",
        "ftp://shop.example.com",
        "shop.example.com",
    ],
)
def test_an_origin_that_is_not_the_host_is_refused(origin: str) -> None:
    assert is_cross_site("POST", {"Origin": origin, **HOST})


@pytest.mark.parametrize("headers", [{}, {"Host": ""}])
def test_an_origin_without_a_host_is_refused(headers: dict[str, str]) -> None:
    assert is_cross_site("POST", {"Origin": "https://", **headers})


def test_a_client_that_sends_neither_header_passes() -> None:
    assert not is_cross_site("POST", HOST)


@pytest.mark.parametrize("name", ["sec-fetch-site", "SEC-FETCH-SITE", "Sec-Fetch-Site"])
def test_header_names_are_compared_without_case(name: str) -> None:
    assert is_cross_site("POST", {name: "cross-site"})


def test_a_header_given_twice_is_refused() -> None:
    assert is_cross_site("POST", {"Sec-Fetch-Site": "same-origin", "sec-fetch-site": "none"})


def test_a_trusted_origin_may_post() -> None:
    headers = {"Sec-Fetch-Site": "same-site", "Origin": "https://login.example.com", **HOST}
    assert not is_cross_site("POST", headers, trusted_origins={"https://login.example.com"})
    assert is_cross_site("POST", headers, trusted_origins={"https://other.example.com"})


def test_one_text_is_no_collection_of_trusted_origins() -> None:
    """A part of it is another origin: here that of whoever owns example.co."""
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://login.example.co", **HOST}
    for method in ("GET", "POST"):
        with pytest.raises(InvalidArgument, match="trusted_origins"):
            is_cross_site(method, headers, trusted_origins="https://login.example.com")


def test_null_is_never_a_trusted_origin() -> None:
    assert is_cross_site("POST", {"Origin": "null", **HOST}, trusted_origins={"null"})
