"""Processor and memory, as Linux tells of them."""

import os
import platform
from pathlib import Path

from foveate.doctor.finding import Finding, Role, missing, present

_GROUP = "processor"
_PROC, _CGROUP = Path("/proc"), Path("/sys/fs/cgroup")
_FEATURES = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX-512 BF16",
    "amx_bf16": "AMX BF16",
    "asimd": "NEON",
    "bf16": "BF16",
}
"""Flags of `/proc/cpuinfo` that matter here, on x86 and ARM."""
_FAST_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}
LEAST_MEMORY_BYTES = {"device": 512 * 2**20, "server": 2 * 2**30}
"""Below it the role's program may be killed."""


def check_processor(role: Role, *, proc: Path = _PROC, cgroup: Path = _CGROUP) -> list[Finding]:
    """Features, cores and memory."""
    flags, name = _cpuinfo(proc)
    return [_features(role, flags, name), _cores(cgroup), _memory(role, proc, cgroup)]


def _features(role: Role, flags: set[str], name: str) -> Finding:
    known = [text for flag, text in _FEATURES.items() if flag in flags]
    found = f"{name}: {', '.join(known) or 'no vector features known here'}"
    if role == "server" and not flags & _FAST_BFLOAT16:
        advice = "without a GPU the model runs in float32, several times slower than with AVX-512 BF16 or AMX"
        return missing(_GROUP, "features", found, advice, needed=False)
    return present(_GROUP, "features", found)


def _cpuinfo(proc: Path) -> tuple[set[str], str]:
    """Feature flags and the processor's name; nothing but the architecture where there is no such file."""
    try:
        lines = (proc / "cpuinfo").read_text().splitlines()
    except OSError:
        return set(), platform.machine()
    fields = {key.strip(): value.strip() for key, colon, value in (line.partition(":") for line in lines) if colon}
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    return flags, fields.get("model name", platform.machine())


def _cores(cgroup: Path) -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(cgroup)
    limit = f", a limit of {quota:g} by its control group" if quota is not None and quota < usable else ""
    found = f"{usable} usable{limit}"
    if min(usable, quota or usable) < 2:
        return missing(_GROUP, "cores", found, "give it two cores: one computes while the other answers", needed=False)
    return present(_GROUP, "cores", found)


def _quota(cgroup: Path) -> float | None:
    """Cores that the control group allows (version 2); None = no limit."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else int(quota) / int(period)


def _memory(role: Role, proc: Path, cgroup: Path) -> Finding:
    sizes = _meminfo(proc)
    if sizes is None:
        return missing(_GROUP, "memory", "unknown on this system", "", needed=False)
    total, available = sizes
    limit = _memory_limit(cgroup)
    total, available = (min(size, limit or size) for size in (total, available))
    found = f"{available / 2**30:.1f} of {total / 2**30:.1f} GiB available"
    least = LEAST_MEMORY_BYTES[role]
    if available < least:
        advice = f"a {role} needs {least / 2**30:g} GiB: end other programs, or raise the limit of the container"
        return missing(_GROUP, "memory", found, advice, needed=True)
    return present(_GROUP, "memory", found)


def _meminfo(proc: Path) -> tuple[int, int] | None:
    """Total and available bytes."""
    try:
        lines = (proc / "meminfo").read_text().splitlines()
    except OSError:
        return None
    fields = {name: 1024 * int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return fields["MemTotal"], fields["MemAvailable"]


def _memory_limit(cgroup: Path) -> int | None:
    try:
        text = (cgroup / "memory.max").read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
