"""Where files go, which clock runs, which ports are free."""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from foveate.doctor.finding import Finding, Role, missing, out_of_reach, present

_PATIENCE_S = 3.0
LEAST_SPACE_BYTES = {"device": 100 * 2**20, "server": 2**30}
_COARSEST_TICK_S = 0.001


def check_home(role: Role, home: Path) -> list[Finding]:
    """Whether `$FOVEATE_HOME` can be written, and what is free there. Leaves nothing behind."""
    try:
        parent = next(folder for folder in (home, *home.parents) if folder.exists())
    except OSError as error:  # it lies in a folder that may not be entered
        return [out_of_reach("place", "home", home, error)]
    findings = [_writable(home, parent)]
    free = shutil.disk_usage(parent).free
    found = f"{free / 2**30:.1f} GiB free at {parent}"
    least = LEAST_SPACE_BYTES[role]
    if free < least:
        advice = f"a {role} needs {least / 2**30:.1g} GiB: free some, or set FOVEATE_HOME to another disk"
        return [*findings, missing("place", "space", found, advice, needed=True)]
    return [*findings, present("place", "space", found)]


def _writable(home: Path, parent: Path) -> Finding:
    try:
        with tempfile.NamedTemporaryFile(dir=parent, prefix=".foveate-doctor-"):
            pass
    except OSError as error:
        return out_of_reach("place", "home", home, error)
    return present("place", "home", f"{home}{'' if home.exists() else ' (made when first needed)'}")


def check_clock() -> list[Finding]:
    """Whether the clock that all spans are measured with is fine and never runs back."""
    told = time.get_clock_info("monotonic")
    readings = [time.monotonic() for _ in range(20_000)]
    steps = [later - earlier for earlier, later in pairwise(readings)]
    tick_s = min((step for step in steps if step > 0), default=float("inf"))
    found = f"{told.implementation}, ticks of {max(tick_s, told.resolution) * 1e6:.3g} µs"
    if not told.monotonic or min(steps) < 0:
        return [
            missing("place", "clock", f"{found}, runs back", "spans would be wrong: use another system", needed=True)
        ]
    if tick_s > _COARSEST_TICK_S:
        return [missing("place", "clock", found, "spans would be coarse: choose another clock source", needed=True)]
    return [present("place", "clock", found)]


def check_ports(role: Role, addresses: Sequence[str]) -> list[Finding]:
    """Whether the addresses that a server would listen on are free."""
    if role == "device":
        return []
    return [_port(address) for address in addresses]


def _port(address: str) -> Finding:
    host, port = _split(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            return present("network", f"port {port}", f"{address} is free")
    except OSError as error:
        advice = "a server may be running there already; else end that program, or choose another --address"
        return missing("network", f"port {port}", f"{address}: {error.strerror or error}", advice, needed=True)


def check_server(address: str | None) -> list[Finding]:
    """Whether something listens where the device would connect."""
    if address is None:
        return []
    started_at = time.monotonic()
    try:
        with socket.create_connection(_split(address), timeout=_PATIENCE_S):
            took_ms = 1000 * (time.monotonic() - started_at)
    except OSError as error:
        advice = "start foveate serve there; if it runs, look at its --address and at firewalls between"
        return [missing("network", "server", f"{address}: {error.strerror or error}", advice, needed=True)]
    return [present("network", "server", f"{address} accepts connections after {took_ms:.0f} ms")]


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def check_user() -> list[Finding]:
    """Whether a server would run with more rights than it needs."""
    with suppress(AttributeError):
        if os.geteuid() == 0 and not Path("/.dockerenv").exists():
            advice = "run a server as a user of its own; deploy/systemd does"
            return [missing("place", "user", "root", advice, needed=False)]
    return []
