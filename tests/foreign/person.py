"""Somebody whom a relying party sends to the provider: follows links and fills forms, without scripts."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests

_FORM = re.compile(r'<form [^>]*method="post" action="([^"]*)" id="answer">(.*?)</form>', re.DOTALL)
_ARRIVED = re.compile(r"[?&#](code|error|response)=")  # what an app gets


class Person:
    """Somebody at a browser without scripts: follows links, fills the forms they see."""

    def __init__(self) -> None:
        self.http = requests.Session()

    def visit(self, address: str) -> str:
        """Follow redirects inside the provider; answer where the person ends."""
        while True:
            response = self.http.get(address, allow_redirects=False, timeout=30)
            ahead = leads_to(response)
            if not ahead:
                self.page, self.address = response.text, address
                return address
            address = urljoin(address, ahead)
            if _ARRIVED.search(address):
                return address

    def send(self, **fields: Any) -> str:
        """Send the form of this page with what is filled in, and follow where it leads."""
        form = re.search(r'<form [^>]*method="post"[^>]*action="([^"]*)"(.*?)</form>', self.page, re.DOTALL)
        assert form, self.page
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[2]))
        ticked: dict[str, list[str]] = {}
        for name, value in re.findall(r'<input type="checkbox" name="([^"]+)" value="([^"]*)" checked', form[2]):
            ticked.setdefault(name, []).append(html.unescape(value))
        data = {**{name: html.unescape(value) for name, value in hidden.items()}, **ticked, **fields}
        target = urljoin(self.address, html.unescape(form[1]))
        response = self.http.post(target, data, allow_redirects=False, headers={"Referer": self.address}, timeout=30)
        assert leads_to(response), response.text
        address = urljoin(target, leads_to(response))
        return address if _ARRIVED.search(address) else self.visit(address)


def leads_to(response: requests.Response) -> str:
    """Where a redirect leads, or a page that goes on by itself; '': nowhere. A form is told as a query."""
    if response.status_code in (302, 303):
        return response.headers["Location"]
    if posted := _FORM.search(response.text):
        fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', posted[2])
        return f"{html.unescape(posted[1])}?{urlencode([(name, html.unescape(value)) for name, value in fields])}"
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', response.text)
    return html.unescape(found[1]) if found else ""


def sign_in_and_allow(authorize: str) -> str:
    person = Person()
    person.visit(authorize)
    person.send(login="owner", password="owner-pw")
    return person.send(decision="allow")


def connect(verification_uri_complete: str, decision: str = "allow") -> None:
    """Somebody scans the code of a device, signs in and answers."""
    person = Person()
    person.visit(verification_uri_complete)
    person.send(user_code=parse_qs(urlsplit(verification_uri_complete).query)["user_code"][0])
    person.send(login="owner", password="owner-pw")
    person.send(decision=decision)
    assert "Go back to your device" in person.page or decision == "deny"
