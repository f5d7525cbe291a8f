"""Live runs and simulations of Ask the Expert on the same pictures, trace and measured times.

    python benchmarks/experts_agreement.py MODELS --data DATA --trace TRACE --out DIR [--router R ...] [--samples 300]
        [--rate 10] [--runs 3] [--offset S] [--times FILE.json]

Device on one core, gateway and experts on another. Without --times `foveate profile experts` measures first, on the
device's core, into DIR/times.json. Live runs of all routers take turns; medians over them are compared with one
simulation each. Pictures are held-out ones; of the experts the progressive ones are taken, else static ones, else the
base. Asked for: median latency within 15 %, accuracy within 0.03.

Cost: routers x runs x samples / rate seconds (4.5 minutes by default), and once what the models say of the held-out
pictures (kept). Nothing else may run meanwhile. Expected: docs/results.md, "Ask the Expert".
"""

import argparse
import os
import statistics
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before torch counts the cores

from rich.console import Console
from rich.table import Table

from foveate.cli.profile import experts as profile_experts
from foveate.device.pins import pinned_to, two_cores
from foveate.evaluation.experts.models import find_models
from foveate.evaluation.experts.run import ExpertsSettings, experts_job

ROUTERS = ("no-routing", "ask-expert", "near-edge")
KINDS = ("progressive", "static", "base")
WITHIN_LATENCY, WITHIN_ACCURACY = 0.15, 0.03
STAGES = ("generalist", "encode", "uplink", "queue", "decode", "inference", "downlink")

Summary = dict[str, Any]


def main() -> None:
    """Measure, run, print one row a router."""
    options = parsed()
    times = options.times or options.out / "times.json"
    if not times.is_file():
        with pinned_to(two_cores()[0]):
            profile_experts(options.models, out=times)
    live: dict[str, list[Summary]] = {router: [] for router in options.router}
    for turn in range(options.runs):
        for router in options.router:
            live[router].append(run(options, router, times, f"live-{turn}"))
    simulated = {router: run(options, router, times, "simulated") for router in options.router}
    print_tables(live, simulated)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--trace", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--router", nargs="+", default=ROUTERS)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--rate", type=float, default=10.0, help="samples a second")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--offset", type=float, default=0.0, help="start in the trace, seconds")
    parser.add_argument("--times", type=Path, help="durations measured before")
    return parser.parse_args()


def run(options: argparse.Namespace, router: str, times: Path, name: str) -> Summary:
    """The summary of one run, live or simulated."""
    trained = {model.rpartition("-")[0] or model for model in find_models(options.models)}
    settings = ExpertsSettings(
        models=options.models,
        data=options.data,
        trace=options.trace,
        router=router,
        out=options.out / f"{router.partition(':')[0]}-{name}",
        kind=next(kind for kind in KINDS if kind in trained),
        rate_hz=options.rate,
        samples=options.samples,
        simulate=name == "simulated",
        times=str(times),
        trace_offset_s=options.offset,
        pin=name != "simulated",
    )
    return experts_job(settings, console=Console(quiet=True))


def print_tables(live: dict[str, list[Summary]], simulated: dict[str, Summary]) -> None:
    """Medians over live runs / the simulation, whether they agree, and where the time goes."""
    runs = max(map(len, live.values()))
    verdicts = Table(
        "router", "latency, median", "ratio", "of offloaded", "ratio", "accuracy", "apart", "within",
        title=f"median of {runs} live runs / simulated, ms",
    )  # fmt: skip
    stages = Table("router", *STAGES, title="mean of each stage, ms")
    for router, summaries in live.items():
        both = Pairs(summaries, simulated[router])
        verdicts.add_row(router, *verdict(both))
        stages.add_row(router, *(shown(both.of("stages_s", stage), digits=2) for stage in STAGES))
    console = Console(width=150)
    console.print(verdicts)
    console.print(stages)


def verdict(both: "Pairs") -> tuple[str, ...]:
    """Latency, accuracy, and whether both are as near as asked for; nothing offloaded counts as agreement."""
    latency, offloaded, accuracy = (
        both.of("latency_s", "p50"),
        both.of("latency_of_offloaded_s", "p50"),
        both.of("accuracy"),
    )
    near = [abs(ratio(pair) - 1) <= WITHIN_LATENCY for pair in (latency, offloaded) if pair != (None, None)]
    apart = accuracy[1] - accuracy[0]
    return (
        *(text for pair in (latency, offloaded) for text in (shown(pair), f"{ratio(pair):.2f}")),
        shown(accuracy, factor=1, digits=3),
        f"{apart:+.3f}",
        "yes" if all(near) and abs(apart) <= WITHIN_ACCURACY else "NO",
    )


class Pairs:
    """Figures of several live runs, as their median, beside those of a simulation."""

    def __init__(self, live: list[Summary], simulated: Summary) -> None:
        self._live, self._simulated = live, simulated

    def of(self, *keys: str) -> tuple[Any, Any]:
        """None where nothing was offloaded."""
        values = [value for summary in self._live if (value := at(summary, keys)) is not None]
        return (statistics.median(values) if values else None), at(self._simulated, keys)


def at(summary: Summary, keys: tuple[str, ...]) -> Any:
    """The figure under nested keys."""
    value: Any = summary
    for key in keys:
        value = value[key]
    return value


def ratio(pair: tuple[Any, Any]) -> float:
    """Simulated over live."""
    return float("nan") if None in pair or not pair[0] else float(pair[1] / pair[0])


def shown(pair: tuple[Any, Any], *, factor: float = 1e3, digits: int = 1) -> str:
    """`live / simulated`."""
    return " / ".join("-" if value is None else f"{factor * value:.{digits}f}" for value in pair)


if __name__ == "__main__":
    main()
