from __future__ import annotations

import pytest

FORM = "application/x-www-form-urlencoded"


def form_of(body: bytes, content_type: str = FORM) -> dict[str, str]:
    from cart.web import Request

    return Request("POST", "/", {"content-TYPE": content_type}, body).form()


def test_a_form_is_decoded() -> None:
    assert form_of(b"name=Ada+L%C3%A9on&sku=") == {"name": "Ada Léon", "sku": ""}
    assert form_of(b"a=1", f"{FORM}; charset=UTF-8") == {"a": "1"}
    assert form_of(b"") == {}


@pytest.mark.parametrize(
    "body",
    [b"a=%FF", b"a=\xc3\xa9", b"a=1&a=2", b"&".join(b"f%d=1" % n for n in range(11))],
    ids=["not UTF-8", "not ASCII", "twice", "too many"],
)
def test_a_form_that_no_browser_sends_is_refused(body: bytes) -> None:
    from cart.web import BadForm

    with pytest.raises(BadForm):
        form_of(body)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/json", "multipart/form-data"]
)
def test_only_plain_forms_are_read(content_type: str) -> None:
    from cart.web import BadForm

    with pytest.raises(BadForm, match="urlencoded"):
        form_of(b"a=1", content_type)
