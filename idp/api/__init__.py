"""The HTTP API of this provider, for programs (docs/api.md).

It is a door like the console and the configuration file: it translates what it was sent, says who acts, and shows each
problem in its place. It has no rules of its own. `resource.py` has what every resource does alike; a resource is a file
with a view for its list and one for one of them, and a line in `urls.py`.
"""
