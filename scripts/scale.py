"""What 10, 1,000 and 100,000 cameras need, on paper: `docs/scale.md`.

    python scripts/scale.py > docs/scale.md

Every figure comes from `docs/results.md` (a test looks each one up there); everything else is arithmetic of this file.
"""

import math
import sys
from dataclasses import dataclass

from foveate.server import ServerLimits

CAMERAS = (10, 1_000, 100_000)
RATES = (1.0, 3.0)
"""Offloads a second and camera."""
LOAD = 0.6
"""Share of its capacity that a server, a gateway or a port is planned for."""
PORT_BPS = 10e9
MOST_CLIENTS = ServerLimits().clients
"""Devices that one gateway serves unless it is told otherwise (`--most-clients`)."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Something measured or published."""

    what: str
    value: float
    """In `unit`."""
    unit: str
    quote: str
    """Where it stands in docs/results.md: these very words."""
    origin: str


@dataclass(frozen=True, kw_only=True)
class Frames:
    """One way to send and compute a frame of 720 x 1280."""

    name: str
    size: Figure
    """Compressed, kB."""
    gpu: Figure
    """Inference on the published accelerator, ms."""
    core_s: float
    """Inference on one core here, seconds."""


CORE = Figure(
    what="inference of a whole frame, `vitdet-tiny`, one core of machine B (Zen 4)",
    value=703,
    unit="ms",
    quote="| `back2back` | 72 / 76 | 819 / 787 | **-4 %** | 3 / 2 | 89 / 87 | 4 / 3 | 703 / 676 |",
    origin="measured, live, pinned",
)
SPEED_UP = Figure(
    what="the same with half of the regions low, restored at 4: times faster",
    value=1.62,
    unit="",
    quote="50 % 472 ms (1.62; 14 %)",
    origin="measured, 1080p, machine A",
)
GATEWAY = Figure(
    what="a gateway's work for one offload, one core of machine B",
    value=1.0,
    unit="ms",
    quote="gateway 1.0 ms of one core an offload",
    origin="measured",
)
CURVE = Figure(
    what="what CURVE adds to it",
    value=0.1,
    unit="ms",
    quote="CURVE adds 0.1 ms",
    origin="measured",
)
WHOLE = Frames(
    name="whole",
    size=Figure(
        what="size of a whole frame, quality 95",
        value=192,
        unit="kB",
        quote="| `back2back` | 37 | 257 (321) | 9 / 98 / 4 / 126 / 21 | 192 |",
        origin="measured, sample clip",
    ),
    gpu=Figure(
        what="inference of a whole frame, ViTDet-L on an RTX 5090",
        value=126,
        unit="ms",
        quote="9 / 98 / 4 / 126 / 21 | 192 |",
        origin="fitted to published figures, not measured here",
    ),
    core_s=CORE.value / 1e3,
)
MIXED = Frames(
    name="half low",
    size=Figure(
        what="size with half of the regions low, quality 90",
        value=100,
        unit="kB",
        quote="186 (226) | 8 / 64 / 3 / 91 / 20 | 100 |",
        origin="measured, sample clip",
    ),
    gpu=Figure(
        what="inference with half of the regions low, ViTDet-L on an RTX 5090",
        value=91,
        unit="ms",
        quote="8 / 64 / 3 / 91 / 20 | 100 |",
        origin="fitted to published figures, not measured here",
    ),
    core_s=CORE.value / 1e3 / SPEED_UP.value,
)
FIGURES = (WHOLE.size, MIXED.size, WHOLE.gpu, MIXED.gpu, CORE, SPEED_UP, GATEWAY, CURVE)


@dataclass(frozen=True, kw_only=True)
class Need:
    """What so many cameras need."""

    cameras: int
    rate: float
    """Offloads a second and camera."""
    frames: Frames

    @property
    def offloads_per_s(self) -> float:
        """Of all cameras."""
        return self.cameras * self.rate

    @property
    def gpus(self) -> int:
        """Accelerators as the published one, planned for `LOAD`."""
        return math.ceil(self.offloads_per_s * self.frames.gpu.value / 1e3 / LOAD)

    @property
    def cores(self) -> int:
        """Or cores as those measured here, with the small model."""
        return math.ceil(self.offloads_per_s * self.frames.core_s / LOAD)

    @property
    def uplink_bps(self) -> float:
        """Of one camera, mean."""
        return 8e3 * self.frames.size.value * self.rate

    @property
    def ingress_bps(self) -> float:
        """Into the servers, mean."""
        return self.cameras * self.uplink_bps

    @property
    def ports(self) -> int:
        """Network ports of 10 Gbit/s, planned for `LOAD`."""
        return math.ceil(self.ingress_bps / (LOAD * PORT_BPS))

    @property
    def gateways(self) -> int:
        """Processes: by their work (one core each), by what passes a port, by the devices that one knows."""
        work_s = (GATEWAY.value + CURVE.value) / 1e3
        return max(math.ceil(self.offloads_per_s * work_s / LOAD), self.ports, math.ceil(self.cameras / MOST_CLIENTS))


def document() -> str:
    """The page."""
    return "\n".join([*_introduction(), *_figures(), *_formulas(), *_needs(), *_reading()]) + "\n"


INTRODUCTION = """\
# Scale, on paper

What 10, 1,000 and 100,000 cameras of 720 x 1280 pixels need. **Nothing of this size was run**: the page is arithmetic
on figures of [results.md](results.md), made by `python scripts/scale.py > docs/scale.md`. A test holds that page and
script agree, and that every figure stands where it is said to.
"""


def _introduction() -> list[str]:
    return [INTRODUCTION]


def _figures() -> list[str]:
    rows = [f"| {f.what} | {f.value:g}{f' {f.unit}' if f.unit else ''} | {f.origin} |" for f in FIGURES]
    return ["## What goes in", "", "| figure | value | origin |", "|---|---|---|", *rows, ""]


FORMULAS = f"""\
## How it is computed

With n cameras, r offloads a second and camera, S the size of a frame, t the time of its inference, g the gateway's work
for an offload and c that of CURVE:

```
load planned for    u = {LOAD:g}
GPUs or cores       n r t / u
uplink of a camera  8 S r
ingress             8 S r n
ports               8 S r n / (u {PORT_BPS / 1e9:g} Gbit/s)
gateways            the most of  n r (g + c) / u,  ports,  n / {MOST_CLIENTS} (--most-clients)
```

All but the rates are rounded up. At u = {LOAD:g} and arrivals at random a frame waits
{LOAD / (2 * (1 - LOAD)):g} times its own inference on average before a single server (M/D/1: u / 2(1 - u)); a pool
behind one queue waits less. No gain by batching is counted, and no spare: add one of each for failures, and a tenth
to large pools.
"""


def _formulas() -> list[str]:
    return [FORMULAS]


def _needs() -> list[str]:
    names = (
        "cameras",
        "offloads a second",
        "frames",
        "GPUs",
        "or cores",
        "uplink each",
        "ingress",
        "ports",
        "gateways",
    )
    lines = ["## What comes out", "", f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    for cameras in CAMERAS:
        lines += [_row(Need(cameras=cameras, rate=rate, frames=f)) for rate in RATES for f in (WHOLE, MIXED)]
    return [*lines, ""]


def _row(need: Need) -> str:
    uplink, ingress = f"{need.uplink_bps / 1e6:.1f} Mbit/s", f"{need.ingress_bps / 1e9:.3g} Gbit/s"
    counts = (f"{need.gpus:,}", f"{need.cores:,}")
    cells = (
        f"{need.cameras:,}",
        f"{need.rate:g}",
        need.frames.name,
        *counts,
        uplink,
        ingress,
        need.ports,
        need.gateways,
    )
    return f"| {' | '.join(map(str, cells))} |"


READING = """\
## How to read it

- GPUs and cores run different models: ViTDet-L on a GPU, `vitdet-tiny` on a core. Two ways to buy, no comparison.
- Half of the regions at low resolution take {gpus:.0f} % off the GPUs and {bits:.0f} % off the bytes, a part of
  the latter by the lower quality (90 in place of 95). Accelerators are most of what is needed, then the network;
  gateways are little.
- Ten cameras fit one machine. A thousand fit a cluster with a few gateways (`foveate serve --ray`). A hundred thousand
  are many such clusters, each near its cameras: a device knows one address, and whichever gateway answers there is
  greeted anew.
- The uplink of a single camera decides first whether 3 offloads a second are to be had at all: the 4G traces here have
  means of 10 to 36 Mbit/s.
"""


def _reading() -> list[str]:
    whole, mixed = (Need(cameras=CAMERAS[-1], rate=1.0, frames=frames) for frames in (WHOLE, MIXED))
    saved = {"gpus": 1 - mixed.gpus / whole.gpus, "bits": 1 - mixed.ingress_bps / whole.ingress_bps}
    return [READING.format(**{name: 100 * share for name, share in saved.items()}).rstrip()]


if __name__ == "__main__":
    sys.stdout.write(document())
