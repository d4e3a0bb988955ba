"""Telling projects what happened to the people who use their apps: by webhooks.

Whoever changes something writes an event, in the same transaction, and nothing else. `spreading` reads the events
afterwards, finds out whom each concerns (`table`, `relations`) and writes a delivery for each recipient; sending is
another step. Where nobody is to be told nothing is read and nothing is written.
"""
