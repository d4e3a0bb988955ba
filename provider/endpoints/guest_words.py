"""What people are told of a guest app: where it is before what it calls itself (rules C8 and C9)."""

from __future__ import annotations

from dataclasses import dataclass

from clients.identifiers import shown_place
from common.client_url import host_of, is_address, shown_host
from provider.protocol.channel import reaches_any_program
from provider.protocol.facts import ClientFacts


@dataclass(frozen=True, slots=True)
class GuestWords:
    name: str  # of its own choice, and nobody has checked it
    host: str  # that answers for its id; empty: none does
    goes_to: str  # with the code
    on_device: bool  # where another program may answer in its place

    def __str__(self) -> str:
        """What it is called where one word has to do."""
        return self.host or self.goes_to


def of_guest(client: ClientFacts, redirect_uri: str) -> GuestWords | None:
    """None: it is no guest."""
    if not client.guest:
        return None
    host = shown_host(host_of(client.client_id)) if is_address(client.client_id) else ""
    return GuestWords(client.name, host, shown_place(redirect_uri), reaches_any_program(redirect_uri))
