"""docs/settings.md has every setting, with the default that it has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from serverless_sessions import ConfigurationError, SessionConfig

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text("utf-8")
ROWS = {
    name: (default, allowed)
    for name, default, allowed in re.findall(
        r"^\| `SESSION_(\w+)` \| (.*?) \| (.*?) \|", PAGE, re.MULTILINE
    )
}
WITHOUT_VARIABLE = {"on_event"}


def test_every_setting_has_a_row() -> None:
    settings = SessionConfig.__dataclass_fields__.keys() - WITHOUT_VARIABLE
    assert sorted(name.lower() for name in ROWS) == sorted(settings)


@pytest.mark.parametrize("name", ROWS)
def test_the_default_is_the_one_of_the_page(name: str) -> None:
    default, _ = ROWS[name]
    unset = SessionConfig.from_env({})
    if default == "none":
        assert not getattr(unset, name.lower())
    elif literal := re.fullmatch(r"`(.*)`", default):
        assert SessionConfig.from_env({f"SESSION_{name}": literal[1]}) == unset
        assert SessionConfig.from_env({f"SESSION_{name}": _other(name)}) != unset


@pytest.mark.parametrize("name", ROWS)
def test_each_word_of_a_choice_is_allowed_and_no_other(name: str) -> None:
    words = re.findall(r"`([\w]+)`", ROWS[name][1])
    for word in words:
        SessionConfig.from_env({f"SESSION_{name}": word})
    if words:
        with pytest.raises(ConfigurationError, match=f"SESSION_{name}"):
            SessionConfig.from_env({f"SESSION_{name}": "perhaps"})


def _other(name: str) -> str:
    """A value that is allowed, and not the default."""
    _, allowed = ROWS[name]
    default = ROWS[name][0].strip("`")
    words = [word for word in re.findall(r"`(\w+)`", allowed) if word != default]
    return words[0] if words else "/shop" if default == "/" else "7"
