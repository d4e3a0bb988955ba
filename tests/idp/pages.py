"""What the page tests share: a consent page's context, hostile texts, and readers of headers."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from provider.endpoints.consent_blocks import Block, Item

PROFILE = "See your profile: names, picture, date of birth and what else you entered"

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "{{ request }}{% csrf_token %}",
    "</title></head><body onload=alert(1)>",
    "&lt;b&gt;",
]


def policy(response: Any) -> dict[str, list[str]]:
    parts = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


def consent(person: User, text: str | None = None, **more: Any) -> dict[str, Any]:
    """Everything the consent page is given; with `text` in the place of every name a client or owner chooses."""

    def say(ordinary: str) -> str:
        return ordinary if text is None else text

    def item(value: str, words: str = "", **more: bool) -> Item:
        return Item(say(value), say(words) if words else "", **more)

    orders = Block(
        say("Orders"),
        say("Orders and invoices of Acme shops"),
        place=item("https://api.acme.example/orders", "Orders"),
        scopes=(
            item("orders.read", "See your orders", governed=True),
            item("orders.write", "Place and cancel orders in your name", sensitive=True, governed=True),
        ),
        also_usable=(say("See every invoice"), say("See who paid")),
    )
    about = [item("openid", "Know that it is you", required=True), item("email", "See your e-mail address")]
    profile, stock = item("profile", PROFILE), item("https://partner.example/stock")
    about_you, elsewhere = say("About you"), say("Where this access works")
    return {
        "app_name": say("Acme"),
        "client_name": say("Acme web"),
        "project_name": say("Acme shops"),
        "redirect_host": say("app.acme.example"),
        "homepage_uri": say("https://acme.example/"),
        "policy_uri": say("https://acme.example/privacy"),
        "tos_uri": say("https://acme.example/terms"),
        "support_email": say("help@acme.example"),
        "person": person,
        "switch_url": "/accounts/switch/?next=%2F",
        "action": "/oauth/consent?client_id=web",
        "seen": "seal",
        "asked": (
            [Block(about_you, scopes=tuple(about)), orders]
            if more.get("new_only")
            else [Block(about_you, scopes=(about[0], profile, about[1])), orders, Block(elsewhere, places=(stock,))]
        ),
        "before": [(about_you, say(PROFILE)), ("", stock.value)] if more.get("new_only") else [],
        "governs": True,
        "siblings": [say("Acme mobile"), say("Acme desk")],
        "targets": [say("Acme reports")],
        "new_only": False,
        **more,
    }
