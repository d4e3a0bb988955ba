"""The verifier brings the provider's rule for audiences along, letter by letter."""

from __future__ import annotations

from tests.verifier.documented import ROOT


def test_provider_and_verifier_have_the_same_matcher() -> None:
    """Two rules would be a way around one of them. After a change: copy the file of `projects`."""
    ours, copy = ROOT / "projects" / "matcher.py", ROOT / "verifier" / "vestibule_verifier" / "matcher.py"
    assert copy.read_text() == ours.read_text()
