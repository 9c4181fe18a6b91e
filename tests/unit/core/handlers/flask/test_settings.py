"""What of Flask's settings counts, and applications made by a factory."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from serverless_sessions import ConfigurationError, MemoryStore, SessionConfig
from serverless_sessions.handlers.flask import Sessions
from support.flask_visits import NAME, Site

OTHER = [
    ("SESSION_COOKIE_NAME", "mine"),
    ("SESSION_COOKIE_SAMESITE", "Strict"),
    ("SESSION_COOKIE_DOMAIN", "example.com"),
    ("SESSION_COOKIE_PATH", "/shop"),
    ("SESSION_COOKIE_HTTPONLY", False),
    ("SESSION_COOKIE_PARTITIONED", True),
    ("PERMANENT_SESSION_LIFETIME", timedelta(days=1)),
    ("PERMANENT_SESSION_LIFETIME", 86_400),
]


@pytest.mark.parametrize(("name", "value"), OTHER)
def test_a_setting_of_flask_that_would_not_be_used_is_refused(
    site: Site, name: str, value: object
) -> None:
    site.app.config[name] = value
    site.app.testing = True
    with pytest.raises(ConfigurationError, match=name):
        site.get("/plain")
    site.app.testing = False
    assert site.get("/plain").status_code == 500


def test_a_setting_of_flask_that_says_the_same_is_welcome(site: Site) -> None:
    site.app.config |= {"SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_SAMESITE": "Lax"}
    site.app.config |= {"SESSION_COOKIE_NAME": NAME, "SESSION_COOKIE_PATH": "/"}
    site.app.config |= {"PERMANENT_SESSION_LIFETIME": 30 * 86_400}
    assert site.get("/plain").text == "plain"


def test_an_application_made_by_a_factory_gets_its_sessions_later() -> None:
    sessions = Sessions(store=MemoryStore(), config=SessionConfig(), trusted_id=None)
    app = Flask(__name__)
    sessions.init_app(app)
    assert app.session_interface is sessions
