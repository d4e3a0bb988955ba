"""Moving here from another system: its people, apps and tokens, in this order and as often as it takes.

Each kind is read by its own door (`toolkit`, `files`) and written in one way: what is here already stays as it is, and
what cannot be taken is named with the reason.
"""
