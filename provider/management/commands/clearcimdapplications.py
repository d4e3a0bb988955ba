"""`manage.py clearcimdapplications`: apps whose id is an address are ours to forget (rule R10)."""

from __future__ import annotations

from common.command import NotHere


class Command(NotHere):
    help = "Not here: cleartokens forgets guest apps that nobody uses."
    instead = "Apps that nobody uses are forgotten by 'cleartokens', which the worker runs every night."
