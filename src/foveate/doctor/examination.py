"""All checks, in the order in which they are shown."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

from foveate import __version__
from foveate.core import foveate_home
from foveate.doctor.accelerator import check_accelerator
from foveate.doctor.contents import check_keys, check_python, check_weights
from foveate.doctor.finding import Finding, Role
from foveate.doctor.media import check_media
from foveate.doctor.place import check_clock, check_home, check_ports, check_server, check_user
from foveate.doctor.processor import check_processor


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What was found on this machine."""

    role: Role
    """What it was examined for."""
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing failed."""
        return all(finding.level != "fail" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        findings = [asdict(finding) for finding in self.findings]
        return {"version": __version__, "role": self.role, "healthy": self.healthy, "findings": findings}


def likely_role() -> Role:
    """A machine with torch is a server, one without is a device."""
    return "device" if find_spec("torch") is None else "server"


def examine(role: Role, *, addresses: Sequence[str] = (), server: str | None = None) -> Examination:
    """Check this machine. `addresses`: where a server would listen; `server`: where a device would connect."""
    home = foveate_home()
    findings = [
        *check_python(role),
        *check_weights(role, home),
        *check_keys(role, home),
        *check_processor(role),
        *check_accelerator(role),
        *check_media(role),
        *check_home(role, home),
        *check_clock(),
        *check_user(),
        *check_ports(role, addresses),
        *check_server(server),
    ]
    return Examination(role=role, findings=tuple(findings))
