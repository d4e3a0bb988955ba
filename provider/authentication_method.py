"""What a client authentication method is: a row of METHODS in `provider.client_authentication`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from common.certificates import Certificate
from common.jws import Parts
from provider.protocol.facts import ClientFacts
from provider.protocol.request import Params


@dataclass(slots=True, repr=False)
class Sent:
    """Where a request may carry credentials."""

    params: Params
    authorization: str | None
    certificate: Certificate | None = None  # of the connection


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was presented. `secret` None: nothing was."""

    client_id: str
    secret: str | None = field(repr=False)
    by_header: bool = False  # a failure is answered with a challenge (RFC 6749 section 5.2)
    unencoded: str | None = field(default=None, repr=False, compare=False)  # another reading: as it was sent
    assertion: Parts | None = field(default=None, repr=False)  # in place of a secret: cannot be guessed

    certificate: Certificate | None = field(default=None, repr=False)  # the same

    @property
    def readings(self) -> tuple[str, ...]:
        """What the secret may be, each once."""
        if self.unencoded is None:
            return (self.secret,) if self.secret else ()
        return tuple(dict.fromkeys(one for one in (self.secret, self.unencoded) if one))


class Method(ABC):
    """A row: how credentials are found in a request, read and checked."""

    reads_header = False
    public = False  # for clients that cannot keep a secret
    parameters: tuple[str, ...] = ()  # those it reads besides client_id

    def offered(self) -> bool:
        """Whether this deployment can do it."""
        return True

    @abstractmethod
    def used(self, sent: Sent) -> bool:
        """Whether the request carries what this method reads, well made or not."""

    @abstractmethod
    def read(self, sent: Sent) -> Credentials:
        """Raises a Refusal for what is malformed."""

    @abstractmethod
    def proves(self, client: ClientFacts | None, presented: Credentials) -> bool:
        """Whether they are the client's, as far as a quick comparison tells. As quick for an unknown one (None)."""

    def has_guessable(self, client: ClientFacts | None) -> bool:
        """Whether the client has a secret that a person chose. Comparing it is slow."""
        return False

    def proves_slowly(self, client: ClientFacts | None, presented: Credentials) -> bool:
        """Whether it is one of those. The caller limits how often this is asked, and by how many at once."""
        return False
