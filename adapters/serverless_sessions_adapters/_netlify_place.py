"""Where a store of Netlify Blobs is, and by which of its two doors it is asked."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from serverless_sessions.errors import ConfigurationError

from . import _http

CONTEXT_VARIABLE = "NETLIFY_BLOBS_CONTEXT"
TOKEN_VARIABLE = "NETLIFY_AUTH_TOKEN"  # noqa: S105  (the variable's name)
API = "https://api.netlify.com"
DEFAULT_NAME = "astro-sessions"
NAME_BYTES = 64


class Place(NamedTuple):
    """``is_api``: Netlify's API, which hands out urls to read and write at; else the door of its
    network that caches nothing."""

    address: str
    site: str
    store: str
    region: str
    is_api: bool
    token: str

    def url(self, key: str = "", **query: str) -> str:
        """Of a blob, or without a key of their list."""
        path = "/".join(quote(part, safe=":%") for part in (self.site, self.store, key) if part)
        if self.is_api:
            query = {**query, "region": self.region} if self.region else query
            start = f"{self.address}/api/v1/blobs/{path}"
        else:
            region = f"region:{self.region}/" if self.region else ""
            start = f"{self.address}/{region}{path}"
        return f"{start}?{urlencode(query)}" if query else start

    def __repr__(self) -> str:
        return f"Place({self.store!r})"


class Wanted(NamedTuple):
    """What a store's url asks for: a site by its id, or of the context where that is empty."""

    site: str = ""
    name: str = DEFAULT_NAME
    deploy: str = ""
    region: str = ""
    endpoint: str = API

    def place(self) -> Place:
        """Raises ConfigurationError where the environment does not say enough."""
        return self._by_the_api() if self.site else self._of_the_context()

    def _by_the_api(self) -> Place:
        token = _http.token(os.environ.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE)
        return self._place(self.endpoint, self.site, self.deploy, self.region, True, token)

    def _of_the_context(self) -> Place:
        context = _context()
        site, deploy = _text(context, "siteID"), self.deploy
        token = _http.token(_text(context, "token"), f"token in {CONTEXT_VARIABLE}")
        if deploy == "current":
            deploy = _text(context, "deployID")
            if not deploy:
                raise ConfigurationError(f"deploy=current, but {CONTEXT_VARIABLE} has no deployID")
        region = self.region or (_text(context, "primaryRegion") if deploy else "")
        if not site:
            raise ConfigurationError(f"{CONTEXT_VARIABLE} has no siteID")
        if not context.get("edgeURL"):
            address = _address(context, "apiURL") or self.endpoint
            return self._place(address, site, deploy, region, True, token)
        uncached = _address(context, "uncachedEdgeURL")
        if not uncached:
            raise ConfigurationError(
                f"{CONTEXT_VARIABLE} has no uncachedEdgeURL, and what it has shows a log-out a "
                f"minute late; name the site instead, as in netlify-blobs://SITE_ID, and set "
                f"{TOKEN_VARIABLE}"
            )
        return self._place(uncached, site, deploy, region, False, token)

    def _place(
        self, address: str, site: str, deploy: str, region: str, is_api: bool, token: str
    ) -> Place:
        if deploy and not region:
            raise ConfigurationError(
                "a deploy's own store is in a region: add it, as in &region=us-east-1"
            )
        store = (
            f"deploy:{quote(deploy, safe='')}" if deploy else f"site:{quote(self.name, safe='')}"
        )
        return Place(address, site, store, region, is_api, token)


def _context() -> dict[str, Any]:
    told = os.environ.get(CONTEXT_VARIABLE, "")
    if not told:
        raise ConfigurationError(
            f"{CONTEXT_VARIABLE} is not set; where Netlify does not set it, name the site, as in "
            f"netlify-blobs://SITE_ID, and set {TOKEN_VARIABLE}"
        )
    try:
        context = json.loads(b64decode(told))
    except ValueError:
        context = None
    if not isinstance(context, dict):
        raise ConfigurationError(f"{CONTEXT_VARIABLE} is not a JSON object in Base64")
    return context


def _text(context: dict[str, Any], name: str) -> str:
    found = context.get(name)
    return found if isinstance(found, str) else ""


def _address(context: dict[str, Any], name: str) -> str:
    found = _text(context, name)
    return _http.address(found, f"{name} in {CONTEXT_VARIABLE}") if found else ""
