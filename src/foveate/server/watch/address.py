"""Where those who watch connect."""

from dataclasses import dataclass
from typing import Self

from foveate.core import InputError
from foveate.network.security import is_loopback


@dataclass(frozen=True, kw_only=True)
class Address:
    """A host and a port to listen on."""

    host: str
    """An IP address or a name, without brackets."""
    port: int
    """0..65535; 0 = any free one."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """`HOST:PORT`, with brackets around an IPv6 host. Raises `InputError`."""
        host, colon, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        if (
            not colon
            or not bare
            or (":" in bare and bare == host)
            or not (port.isascii() and port.isdecimal() and len(port) <= 5)
            or int(port) > 65535
        ):
            raise InputError(f"an address is HOST:PORT, such as 127.0.0.1:9100, got {text!r}")
        return cls(host=bare, port=int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect. A name that is not `localhost` counts as open to others."""
        return is_loopback(str(self))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
