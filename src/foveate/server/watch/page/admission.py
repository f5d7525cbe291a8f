"""Who may look: this machine without asking, others with a token; no other site's script on either."""

import hmac
import os
import re
import secrets
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from foveate.core import InputError
from foveate.server.watch.address import Address

TOKEN_VARIABLE = "FOVEATE_PAGE_TOKEN"  # noqa: S105  # a name, no secret
"""Environment variable with a token to use instead of a new one at each start."""
PROTOCOL = "foveate"
"""The WebSocket protocol; the token travels beside it, never in an address that proxies log."""
_TOKEN_PREFIX = "token."  # noqa: S105
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")


@dataclass(frozen=True, kw_only=True)
class Admission:
    """The rules of one page."""

    address: Address
    """Where the page listens."""
    token: str | None
    """None = not asked for."""

    @classmethod
    def of(cls, address: Address) -> Self:
        """No token on the loopback; elsewhere that of the environment, or a new one. Raises `InputError`."""
        if address.is_loopback:
            return cls(address=address, token=None)
        token = os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24)
        if not _TOKEN.fullmatch(token):
            raise InputError(
                f"{TOKEN_VARIABLE} must have 16 to 128 letters, digits, - or _, got {len(token)} characters"
            )
        return cls(address=address, token=token)

    @property
    def url(self) -> str:
        """What a user opens. A browser keeps what stands behind # to itself."""
        return f"http://{self.address}/" + (f"#{self.token}" if self.token else "")

    def admits_host(self, host: str) -> bool:
        """Whether a request's `Host` may be answered.

        On the loopback it must name the loopback: a site whose name is made to point there must not read the page.
        """
        if self.token is not None:
            return True
        name = _split(f"//{host}").hostname or ""
        return name != "" and Address(host=name, port=0).is_loopback

    def admits_origin(self, origin: str | None, host: str) -> bool:
        """Whether the page that opens a WebSocket is ours; programs send no `Origin`."""
        return origin is None or (host != "" and _split(origin).netloc == host)

    def admits_token(self, protocols: list[str]) -> bool:
        """Whether the protocols that a WebSocket offers hold the token."""
        if self.token is None:
            return True
        offered = [name.removeprefix(_TOKEN_PREFIX) for name in protocols if name.startswith(_TOKEN_PREFIX)]
        return any(hmac.compare_digest(one.encode(), self.token.encode()) for one in offered)


def _split(url: str) -> SplitResult:
    """The parts of what a stranger calls a URL; all empty where it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")
