from __future__ import annotations

import pytest

from serverless_sessions.cli.listener import CannotListen, address, listen


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "localhost"), ("localhost", "localhost"), ("127.0.0.2", "127.0.0.2")],
)
def test_the_address_is_the_one_to_open_in_a_browser(host: str, shown: str) -> None:
    with listen(host, 0) as listener:
        assert address(listener) == f"http://{shown}:{listener.getsockname()[1]}"


def test_a_port_that_is_taken_is_refused_in_one_line() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen) as refused:
            listen("127.0.0.1", port)
    assert refused.value.exit_code == 2
    assert refused.value.message == (
        f"cannot listen on 127.0.0.1, port {port}: Address already in use; "
        "--port 0 takes any free port"
    )


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.1", "::gg"])
def test_a_host_that_is_not_ours_is_refused_in_one_line(host: str) -> None:
    with pytest.raises(CannotListen) as refused:
        listen(host, 0)
    assert refused.value.message.startswith(f"cannot listen on {host}, port 0: ")
    assert "\n" not in refused.value.message
    assert "None" not in refused.value.message
