"""Whether a running installation does what the specifications and our rules of safety say, seen over HTTP alone.

`manage.py doctor --conformance` makes a project, apps and a person that nobody else can use (`scene.py`), lets an app
and a browser of our own (`app.py`, `browser.py`) go through the rows of `table.py` one after the other, and removes
everything again. A check knows the installation by its answers only: a proxy in front that drops a header, repeats a
request or keeps an answer is found as well as a fault of ours.
"""

from __future__ import annotations

PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "not applicable"


class Wrong(Exception):
    """It is not as it has to be; the message says what came instead. Never a token, a code or a secret."""


class NotApplicable(Exception):
    """This installation does not offer what is looked at, or the check cannot be made here; the message says why."""


class CannotRun(Exception):
    """Nothing can be looked at, in a sentence for the operator."""
