"""Somebody at a browser without scripts, who is sent between a program and the provider."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin

import requests
from requests.adapters import HTTPAdapter

_REFRESH = re.compile(r'<meta http-equiv="refresh" content="0; url=([^"]*)">')
Fields = dict[str, str | list[str]]


class _OnLoopback(DefaultCookiePolicy):
    """Browsers send `Secure` cookies there over http as well."""

    def set_ok(self, cookie: Cookie, request: Any) -> bool:
        cookie.secure = False
        return super().set_ok(cookie, request)


class Visitor:
    """Follows every redirect, and sends the forms they see. Cookies are kept by host, whatever the port."""

    def __init__(self) -> None:
        self.http = requests.Session()
        self.http.headers["Accept"] = "text/html,*/*;q=0.8"
        self.http.cookies.set_policy(_OnLoopback())

    def go(self, address: str) -> requests.Response:
        self.page = self._led_on(self.http.get(address, timeout=60))
        return self.page

    @property
    def address(self) -> str:
        return str(self.page.url)

    def send(self, **filled: str) -> requests.Response:
        """Send the page's first form that is POSTed."""
        action, fields = posted_form(self.page.text)
        target = urljoin(self.address, action)
        headers = {"Referer": self.address}
        self.page = self._led_on(self.http.post(target, {**fields, **filled}, headers=headers, timeout=60))
        return self.page

    def _led_on(self, page: requests.Response) -> requests.Response:
        """Where the page goes on to by itself, if it does."""
        while found := _REFRESH.search(page.text):
            page = self.http.get(unescape(found[1]), timeout=60)
        return page

    def sign_in(self, start: str) -> requests.Response:
        """Begin at an address of the program, prove who one is, and allow it."""
        self.go(start)
        return self.prove_and_allow()

    def prove_and_allow(self) -> requests.Response:
        self.send(login="owner", password="owner-pw")
        return self.allow_if_asked()

    def allow_if_asked(self) -> requests.Response:
        """What was allowed before is not always asked again."""
        return self.send(decision="allow") if 'name="decision"' in self.page.text else self.page

    def hang_up(self) -> None:
        """Close every connection. Else each keeps a thread of the provider, as long as a failed test is remembered."""
        for adapter in self.http.adapters.values():
            assert isinstance(adapter, HTTPAdapter)
            pools = adapter.poolmanager.pools
            for key in pools.keys():  # noqa: SIM118  # this container refuses to be iterated
                pools[key].close()

    def asked_to_sign_in(self) -> bool:
        return "/accounts/login/" in self.address and 'name="password"' in self.page.text


def posted_form(page: str) -> tuple[str, Fields]:
    """Where the first POSTed form of a page goes, and what a browser would send of it untouched."""
    reader = _Form()
    reader.feed(page)
    assert reader.action is not None, page[:2000]
    return reader.action, reader.fields


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: Fields = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has: dict[str, Any] = dict(attrs)
        if tag == "form" and self.action is None and (has.get("method") or "").lower() == "post":
            self.action, self._inside = has.get("action") or "", True
        elif tag == "input" and self._inside and has.get("name"):
            kind = has.get("type", "text")
            if kind not in ("submit", "button") and (kind not in ("checkbox", "radio") or "checked" in has):
                self._add(has["name"], has.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False

    def _add(self, name: str, value: str) -> None:
        if name in self.fields:
            before = self.fields[name]
            self.fields[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            self.fields[name] = value
