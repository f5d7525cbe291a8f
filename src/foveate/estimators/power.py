"""Energy: measured where the machine lets itself be read, else from a model with constants from cited sources."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from foveate.core import InputError, PowerModel

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows RAPL, the counters of energy in Intel's and AMD's processors."""

_DEVICE_AND_RADIO = (
    "device idle 2.6 W: a Jetson Orin Nano stripped to the least, with its board, as a user measured it "
    "(forums.developer.nvidia.com/t/348662); "
    "device computing 4.4 W more: the rest of its mode of 7 W, assumed; "
    "radio 1.288 W while active and 438.39 mW per Mbit/s sent: LTE, Huang et al., MobiSys 2012, table 4, from memory "
    "and as public code on offloading has the numbers (the table itself was not at hand); "
    "radio for 5G and LAN: that of LTE, assumed (5G was measured by Narayanan et al., SIGCOMM 2021, not at hand)"
)
EDGE_AND_T4 = PowerModel(
    source=(
        "model, not measured: a device on a battery with a mobile radio, and an NVIDIA T4 near it; "
        f"{_DEVICE_AND_RADIO}; "
        "server idle 37 W: a T4 that holds a model and waits, as a user measured it, 9 W without a process "
        "(github.com/triton-inference-server/server/issues/2678); "
        "server computing 33 W more: up to its limit of 70 W (huggingface.co/hardware/t4)"
    ),
    device_idle_w=2.6,
    device_compute_w=4.4,
    radio_w=1.288,
    radio_j_per_byte=438.39e-3 * 8 / 1e6,
    server_idle_w=37.0,
    server_compute_w=33.0,
)
"""A battery-powered edge device with a mobile radio, and a small accelerator near it."""

EDGE_AND_CORE = replace(
    EDGE_AND_T4,
    source=(
        "model, not measured: the same device and radio, and one core of a server's processor near it; "
        f"{_DEVICE_AND_RADIO}; "
        "server idle 0 W: what waits beside the core is other programs', assumed; "
        "server computing 7.5 W: 360 W of an EPYC 9474F by its 48 cores (purepc.pl on EPYC 9004, November 2022)"
    ),
    server_idle_w=0.0,
    server_compute_w=7.5,
)
"""With the kind of server that the durations of `zen4-core` are of."""


@dataclass(frozen=True, kw_only=True)
class _Counter:
    path: Path
    largest: int
    """After which it starts at 0 again, microjoules."""

    def read(self) -> int:
        return int(self.path.read_text())


class EnergyMeter:
    """Joules that processor packages (RAPL) and graphics cards (NVML) took since the meter was made."""

    def __init__(self, folder: Path = POWERCAP) -> None:
        self._counters, self._cards = _packages(folder), _graphics_cards()
        self._last = [counter.read() for counter in self._counters]
        self._cards_at_first = [read() for read in self._cards]
        self._joules = 0.0

    @property
    def sources(self) -> tuple[str, ...]:
        """What is measured: `RAPL`, `NVML`, both or nothing."""
        return (*(["RAPL"] if self._counters else []), *(["NVML"] if self._cards else []))

    def joules(self) -> float | None:
        """Energy so far, None where nothing can be read. Ask more often than a counter turns over, some minutes."""
        if not self.sources:
            return None
        now = [counter.read() for counter in self._counters]
        steps = [
            (new - old) % (counter.largest + 1)
            for new, old, counter in zip(now, self._last, self._counters, strict=True)
        ]
        self._last, self._joules = now, self._joules + sum(steps) / 1e6
        cards = sum(read() - first for read, first in zip(self._cards, self._cards_at_first, strict=True))
        return self._joules + cards / 1e3


def _graphics_cards() -> list[Callable[[], int]]:
    """Counters of NVIDIA cards, millijoules since the driver was loaded; none without NVML's Python binding."""
    try:
        import pynvml  # noqa: PLC0415  # only machines with such a card have it
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        for handle in handles:
            pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)  # older cards cannot
    except pynvml.NVMLError:
        return []
    return [partial(pynvml.nvmlDeviceGetTotalEnergyConsumption, handle) for handle in handles]


def _packages(folder: Path) -> list[_Counter]:
    """Whole packages; their parts would count twice."""
    found = []
    for zone in sorted(folder.glob("intel-rapl:*")):
        energy, limit = zone / "energy_uj", zone / "max_energy_range_uj"
        try:
            if zone.name.count(":") == 1 and int(energy.read_text()) >= 0:
                found.append(_Counter(path=energy, largest=int(limit.read_text())))
        except (OSError, ValueError):
            continue  # not there, or for the administrator alone
    return found


POWER_MODELS = {"edge-t4": EDGE_AND_T4, "edge-core": EDGE_AND_CORE}
"""By name."""


def power_model(name: str) -> PowerModel:
    """A power model by name; raises `InputError` that lists the known ones."""
    if name not in POWER_MODELS:
        raise InputError(f"unknown power model {name!r}; known: {', '.join(POWER_MODELS)}")
    return POWER_MODELS[name]
