"""What is installed of foveate: Python, extras, weights, keys."""

import json
import platform
import re
import struct
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import foveate
from foveate.core import InputError
from foveate.doctor.finding import Finding, Role, missing, out_of_reach, present
from foveate.network.keys import ALLOWED_FILE, SECRET_FILE, read_allowed, read_key_pair

_GROUP = "foveate"
_SHIPPED = Path(foveate.__file__).parent / "models" / "shipped"
_LONGEST_HEADER_BYTES = 10**8
_EXTRA = re.compile(r"""extra\s*==\s*["']([\w-]+)["']""")
EXTRAS = ("server", "observe", "otel", "page", "ray", "world", "view")
"""Those that change what a command can do."""


def check_python(role: Role) -> list[Finding]:
    """Versions and extras."""
    version = f"{foveate.__version__} on Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    lacking = dict(_lacking())
    complete = [extra for extra in EXTRAS if extra not in lacking]
    findings = [present(_GROUP, "version", version)]
    if "server" in lacking:
        advice = "pip install 'foveate[server]'"
        findings.append(missing(_GROUP, "extra server", f"lacks {lacking['server']}", advice, needed=role == "server"))
    return [*findings, present(_GROUP, "extras", ", ".join(complete) or "none: enough for a device")]


def _lacking() -> Iterator[tuple[str, str]]:
    """Extras of which something is not installed, with its names."""
    try:
        requirements = metadata.requires("foveate") or []
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        requirements = []
    for extra in EXTRAS:
        wanted = [_name(line) for line in requirements if (found := _EXTRA.search(line)) and found[1] == extra]
        absent = [name for name in wanted if not _installed(name)]
        if absent or not wanted:
            yield extra, ", ".join(absent) or "everything"


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def check_weights(role: Role, home: Path) -> list[Finding]:
    """Weights in the package and at home: their names, and whether their headers can be read."""
    try:
        at_home = [*(home / "weights").glob("*.safetensors")]
    except OSError as error:
        return [out_of_reach(_GROUP, "weights", home, error)]
    paths = sorted([*_SHIPPED.glob("*.safetensors"), *at_home])
    broken = [path for path in paths if not _has_header(path)]
    whole = [path.stem for path in paths if path not in broken]
    findings = [
        missing(_GROUP, "weights", f"{path} is truncated or no safetensors file", "copy or train it again", needed=True)
        for path in broken
    ]
    if not whole:
        advice = "install the wheel, or put weights into $FOVEATE_HOME/weights"
        return [*findings, missing(_GROUP, "weights", "none", advice, needed=role == "server")]
    return [*findings, present(_GROUP, "weights", ", ".join(whole))]


def _has_header(path: Path) -> bool:
    """Whether a file is as long as its safetensors header says: 8 bytes of length, JSON, tensors."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LONGEST_HEADER_BYTES:
                return False
            header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        return bool(path.stat().st_size == 8 + length + max(ends, default=0))
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError):
        return False


def check_keys(role: Role, home: Path) -> list[Finding]:
    """The machine's key pair, which every connection beyond the loopback needs, and whom a server lets in."""
    folder = home / "keys"
    try:
        there = (folder / SECRET_FILE).is_file()
    except OSError as error:
        return [out_of_reach(_GROUP, "keys", home, error)]
    if not there:
        advice = "foveate keys new; only needed to connect beyond this machine"
        return [missing(_GROUP, "keys", f"none in {folder}", advice, needed=False)]
    findings = [_tried("keys", lambda: (read_key_pair(folder), str(folder))[1])]
    if role == "server" and (folder / ALLOWED_FILE).is_file():
        findings.append(_tried("allowed", lambda: f"{len(read_allowed(folder / ALLOWED_FILE))} devices"))
    return findings


def _tried(what: str, read: Callable[[], str]) -> Finding:
    """What was read; or the error, which says what to do."""
    try:
        return present(_GROUP, what, read())
    except InputError as error:
        problem, _, remedy = str(error).rpartition(": ")
        return missing(_GROUP, what, problem or remedy, remedy, needed=True)
