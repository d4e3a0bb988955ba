"""May a client ask for an audience, and why? `table.py` asks the protocol table, `ask.py` gathers what it needs."""

from provider.explain.ask import Explanation, explain

__all__ = ["Explanation", "explain"]
