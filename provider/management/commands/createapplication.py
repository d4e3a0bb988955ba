"""`manage.py createapplication`: the toolkit's makes a client past our rules, of no project."""

from __future__ import annotations

from common.command import NotHere


class Command(NotHere):
    help = "Not here: createclient makes clients, and so does applyconfig."
    instead = "Clients are made by 'createclient --type TYPE --project KEY', or by 'applyconfig FILE'."
