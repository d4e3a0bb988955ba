"""Whether somebody can have this `sub`: nobody else has it, neither a person nor a client.

A token of a client's own has the client id as its `sub`, so nobody may be called like a client.
"""

from __future__ import annotations

from accounts import subjects
from accounts.models import User
from clients.models import Client


def problem_of_new(sub: str) -> str:
    """Why a new person cannot have it, or an empty string."""
    if found := subjects.problem(sub):
        return found
    if User.objects.filter(sub=sub).exists():
        return "Another account has this sub."
    if Client.objects.filter(client_id=sub).exists():
        return "A client has this as its client ID: tokens name both."
    return ""
