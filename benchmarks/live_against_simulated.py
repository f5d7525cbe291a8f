"""Live runs and simulations of the same policies on the same clip, trace and measured profile.

    python benchmarks/live_against_simulated.py CLIP --trace TRACE --out DIR [--policy P ...] [--runs 3] [--loop N]
        [--profile FILE.json] [--offset S] [--no-truth]

Device and server are pinned to one core each. Without --profile the times of this machine are measured first, under the
same pins and with the device's loop running, and kept as DIR/profile.json (estimators of content are taken from
--content). Live runs of all policies take turns; medians of their medians are compared with one simulation each.
Asked for: end-to-end latency within 15 %, rendering F1 within 0.03 (against the model's own results).

Cost: (runs x policies + 1) x the clip's length, its frames through the model once (kept), profile 2 to 4 minutes at
1080p. Nothing else may run meanwhile. Runs that are in DIR already are not made again. Expected: docs/results.md.
"""

import argparse
import json
import statistics
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from foveate.core import Profile
from foveate.estimators import load_profile, write_profile
from foveate.evaluation import RunSettings, run_job
from foveate.evaluation.processes import ModelLoader
from foveate.evaluation.progress import Steps
from foveate.policies import by_name
from foveate.profiling import Sampling, load_by_name, measure_machine_pinned, with_decision

POLICIES = ("back2back", "track-b2b", "track-roi", "track-ud", "vitmalis")
WITHIN_LATENCY, WITHIN_F1 = 0.15, 0.03
STAGES = ("encode", "uplink", "decode", "inference", "downlink")


def main() -> None:
    """Measure, run, compare."""
    options = parsed()
    options.out.mkdir(parents=True, exist_ok=True)
    comparison = Comparison(options=options, load=partial(load_by_name, options.model))
    rows = comparison.rows()
    print_rows(rows, options)
    (options.out / "comparison.json").write_text(json.dumps(rows, indent=1))


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--trace", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--policy", nargs="+", default=POLICIES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--loop", type=int, default=1, help="how often the clip is played, for 60 s in all")
    parser.add_argument("--offset", type=float, default=0.0, help="start in the trace, seconds")
    parser.add_argument("--profile", help="measured before, under these pins")
    parser.add_argument(
        "--content", default="paper-jetson-rtx5090", help="profile whose estimators of content are used"
    )
    parser.add_argument("--model", default="vitdet-tiny-world")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each time in the profile")
    parser.add_argument("--no-truth", action="store_true", help="compare latencies alone")
    return parser.parse_args()


@dataclass(kw_only=True)
class Comparison:
    """All runs of one clip and trace."""

    options: argparse.Namespace
    load: ModelLoader

    def rows(self) -> list[dict[str, Any]]:
        """One per policy."""
        profile, policies = self.profile(), self.options.policy
        live: dict[str, list[dict[str, Any]]] = {policy: [] for policy in policies}
        for turn in range(self.options.runs):
            for policy in policies:
                live[policy].append(self.run(policy, f"live-{turn}", profile, simulate=False))
        simulated = {policy: self.run(policy, "simulated", profile, simulate=True) for policy in policies}
        return [row_of(policy, live[policy], simulated[policy]) for policy in policies]

    def profile(self) -> Path:
        """Where the profile lies; measured if there is none."""
        path: Path = self.options.out / "profile.json"
        if path.is_file():
            return path
        if self.options.profile:
            measured = load_profile(self.options.profile)
        else:
            with Steps(Console(stderr=True)) as steps:
                sampling = Sampling(repeats=self.options.repeats)
                measured = measure_machine_pinned(
                    self.options.clip, self.load, name="pinned", begin=steps.begin_open, sampling=sampling
                )
        write_profile(self.with_estimators(measured), path)
        return path

    def with_estimators(self, profile: Profile) -> Profile:
        """Those of another profile, where the policies need any and this one has none."""
        if profile.content is not None or not any(by_name(text).needs_profile for text in self.options.policy):
            return profile
        return with_decision(replace(profile, content=load_profile(self.options.content).content))

    def run(self, policy: str, name: str, profile: Path, *, simulate: bool) -> dict[str, Any]:
        """The summary of one run, made now or found."""
        out = self.options.out / f"{policy.replace(':', '-').replace('=', '-')}-{name}"
        done = out / "summary.json"
        if done.is_file() and (summary := json.loads(done.read_text()))["rendering_f1"] is not None:
            return dict(summary)
        settings = RunSettings(
            video=self.options.clip,
            trace=self.options.trace,
            policy=policy,
            out=out,
            model=self.options.model,
            simulate=simulate,
            profile=str(profile),
            trace_offset_s=self.options.offset,
            pin=not simulate,
            with_video=False,
            with_truth=not self.options.no_truth,
            loop=self.options.loop,
        )
        return run_job(settings, load=self.load, console=Console(stderr=True, quiet=True))


def row_of(policy: str, live: list[dict[str, Any]], simulated: dict[str, Any]) -> dict[str, Any]:
    """Medians over live runs beside the simulation."""

    def both(*keys: str) -> tuple[float | None, float | None]:
        runs = [value for run in live if (value := _at(run, keys)) is not None]
        return (statistics.median(runs) if runs else None), _at(simulated, keys)

    return {
        "policy": policy,
        "runs": len(live),
        "e2e_latency_s": both("e2e_latency_s", "p50"),
        "e2e_latency_s_each": [_at(run, ("e2e_latency_s", "p50")) for run in live],
        "stages_s": {stage: both("stages_s", stage) for stage in STAGES},
        "rendering_f1": both("rendering_f1"),
        "rendering_f1_each": [_at(run, ("rendering_f1",)) for run in live],
        "inference_f1": both("inference_f1"),
        "offloads": both("offloads"),
        "offload_interval_frames": both("offload_interval_frames", "p50"),
        "dropped_frames": [run["dropped_frames"] for run in live],
    }


def _at(summary: dict[str, Any], keys: tuple[str, ...]) -> float | None:
    value: Any = summary
    for key in keys:
        value = value[key]
    return None if value is None else float(value)


def print_rows(rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """The table and its verdicts."""
    table = Table(
        "policy", "offloads", "end-to-end, ms", "off by", *STAGES, "rendering F1", "off by", "within",
        title=f"{options.clip.stem}, {options.trace.stem}: median of {options.runs} live runs / simulated",
    )  # fmt: skip
    for row in rows:
        latency, f1 = row["e2e_latency_s"], row["rendering_f1"]
        off = latency[1] / latency[0] - 1 if None not in latency else float("nan")
        apart = f1[1] - f1[0] if None not in f1 else float("nan")
        verdict = "yes" if abs(off) <= WITHIN_LATENCY and not abs(apart) > WITHIN_F1 else "NO"
        stages = [_pair(row["stages_s"][stage], 1e3, ".0f") for stage in STAGES]
        cells = _pair(row["offloads"], 1, ".0f"), _pair(latency, 1e3, ".0f"), f"{off:+.0%}"
        table.add_row(row["policy"], *cells, *stages, _pair(f1, 1, ".3f"), f"{apart:+.3f}", verdict)
    Console(width=170).print(table)


def _pair(values: tuple[float | None, float | None], factor: float, form: str) -> str:
    return " / ".join("-" if value is None else format(factor * value, form) for value in values)


if __name__ == "__main__":
    main()
