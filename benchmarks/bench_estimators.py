"""Estimators of size and accuracy on clips that no fit has seen: table II of the ViTMAlis paper, and regret.

    python benchmarks/bench_estimators.py --videos DIR [--side profiling] [--kind rendered|real] [--frames 16]
        [--per-frame 5] [--into PROFILE.json ...] [--json FILE]

Measures what is missing (kept under $FOVEATE_HOME/content, goes on where it was stopped), then fits and judges. Clips
are those of `foveate/evaluation/splits.json` that are there. On the profiling side each clip is estimated by a fit on
the others; on the evaluation side all are estimated by the fit on the profiling clips. `--into` writes the fit on the
profiling clips into profiles. Rendered clips go through --model, real ones through --real-model.

Cost: about 190 inferences a clip, 4 minutes of one core at 1080p; fits 2 minutes. Expected: docs/results.md.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from foveate.codec import VideoReader
from foveate.core import Profile
from foveate.estimators import load_profile, read_profile, write_profile
from foveate.evaluation.progress import Steps
from foveate.evaluation.splits import SplitClip, find_clip, load_splits
from foveate.models import load_detector
from foveate.profiling import (
    ChoiceTest,
    ContentRows,
    ContentSampling,
    FitOptions,
    Judged,
    Observation,
    Regret,
    complete,
    content_observations,
    figures,
    fitters,
    joined,
    judge,
    leave_one_out,
    observations_path,
    provenance_of,
    read_observations,
    rows_of,
    with_content,
    with_decision,
)
from foveate.profiling.fit import Target

ROOT = Path(__file__).parents[1]
FIGURES = ("mae", "rmse", "mape", "r2")


def main() -> None:
    """Measure, judge, print, and write what was asked for."""
    options = parsed()
    observations = measured(options)
    print({name: [len(found), sum(len(o.trials) for o in found)] for name, found in observations.items()})
    if options.measure_only:
        return
    profiling = rows_by_name(observations, "profiling")
    unseen = rows_by_name(observations, "evaluation")
    everything = [*profiling.values()]
    pairs = [(joined(everything), joined([*unseen.values()]))] if unseen else leave_one_out(everything)
    methods = fitters(FitOptions(seed=options.seed))
    judged: dict[Target, Judged] = {target: judge(pairs, target, methods) for target in ("size", "accuracy")}
    report: dict[str, Any] = {"profiling": [*profiling], "unseen": [*(unseen or profiling)]}
    for target, result in judged.items():
        report[target] = print_figures(target, result)
        report[f"{target}_by_clip"] = print_by_clip(target, result)
    whole = {name: complete(observations[name]) for name in unseen or profiling}
    found = regrets({name: frames for name, frames in whole.items() if frames}, profiling, options)
    report["regret"] = print_regrets(found, options.profile)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    for path in options.into:
        write_profile(fitted(read_profile(path), profiling, options), path)


def rows_by_name(observations: dict[str, list[Observation]], side: str) -> dict[str, ContentRows]:
    """Rows of the clips of one side; clips are numbered in the order of the split."""
    numbers = {clip.name: number for number, clip in enumerate(load_splits().clips) if clip.side == side}
    return {name: rows_of(found, clip=numbers[name]) for name, found in observations.items() if name in numbers}


def print_figures(target: Target, judged: Judged) -> dict[str, Any]:
    """One row per method, with 95 % intervals over clips."""
    clips = len(set(judged.clip.tolist()))
    title = f"{'size, KiB' if target == 'size' else 'accuracy, F1'}: {len(judged.true)} rows of {clips} clips"
    title += f"; true values {judged.true.mean():.3f}, standard deviation {judged.true.std():.3f}"
    table, report = Table("method", *(name.upper() for name in FIGURES), title=title), {}
    for method in judged.estimated:
        found = asdict(judged.figures(method))
        spans = {name: judged.interval(method, lambda f, name=name: getattr(f, name)) for name in FIGURES}
        cells = [f"{found[name]:.3f} ({spans[name][0]:.3f}-{spans[name][1]:.3f})" for name in FIGURES]
        table.add_row(method, *cells)
        report[method] = found | {f"{name}_95": spans[name] for name in FIGURES}
    Console(width=150).print(table)
    return report


def print_by_clip(target: Target, judged: Judged) -> dict[str, dict[str, float]]:
    """Relative error of sizes, absolute error of accuracies, clip by clip."""
    names, figure = [clip.name for clip in load_splits().clips], "mape" if target == "size" else "mae"
    title = f"{target}, {figure.upper()} by clip"
    table, report = Table("clip", "mean", "deviation", *judged.estimated, title=title), {}
    for clip in dict.fromkeys(judged.clip.tolist()):
        rows = judged.clip == clip
        true = judged.true[rows]
        found = {m: getattr(figures(values[rows], true), figure) for m, values in judged.estimated.items()}
        table.add_row(names[clip], f"{true.mean():.3f}", f"{true.std():.3f}", *(f"{v:.3f}" for v in found.values()))
        report[names[clip]] = found | {"mean": float(true.mean()), "deviation": float(true.std())}
    Console(width=150).print(table)
    return report


def regrets(
    judged: Mapping[str, Sequence[Observation]], profiling: Mapping[str, ContentRows], options: argparse.Namespace
) -> dict[str, list[Regret]]:
    """By knee and method, one for each clip: fitted to all profiling clips but that one."""
    profile, found = load_profile(options.profile), dict[str, list[Regret]]()
    for name, frames in judged.items():
        others = joined([part for n, part in profiling.items() if n != name])
        for method, fit in fitters(FitOptions(seed=options.seed)).items():
            models = fit(others, "size"), fit(others, "accuracy")
            for knee in ("chord", "utility"):
                test = ChoiceTest(profile=profile, knee=knee)
                found.setdefault(f"{knee}: {method}", []).append(test.regret(frames, *models))
    return found


def print_regrets(found: Mapping[str, Sequence[Regret]], profile: str) -> dict[str, Any]:
    """Means over clips."""
    table = Table(
        "knee: method", "utility", "F1", "latency, ms", "same choice", title=f"regret, durations of {profile}"
    )
    report = {}
    for label, parts in found.items():
        mean = {name: float(np.mean([getattr(part, name) for part in parts])) for name in Regret.__dataclass_fields__}
        cells = f"{mean['utility']:.3f}", f"{mean['f1']:.3f}", f"{1e3 * mean['latency_s']:.1f}", f"{mean['same']:.2f}"
        table.add_row(label, *cells)
        report[label] = mean | {"frames": sum(part.frames for part in parts)}
    Console(width=150).print(table)
    return report


def fitted(profile: Profile, profiling: dict[str, ContentRows], options: argparse.Namespace) -> Profile:
    """The profile with estimators fitted to all profiling clips."""
    detector = load_detector(options.model)
    origin = provenance_of(detector, [])
    source = f"benchmarks/bench_estimators.py, {sum(map(len, profiling.values()))} rows of {', '.join(profiling)}"
    models = f"rendered clips by {options.model}, real ones by {Path(options.real_model).stem}"
    origin = replace(origin, sources=(source, models))
    made, _ = with_content(profile, [*profiling.values()], provenance=origin, options=FitOptions(seed=options.seed))
    return with_decision(made) if profile.provenance.origin == "measured" else made


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, default=ROOT.parent / "shared" / "data" / "videos")
    parser.add_argument("--side", choices=("profiling", "evaluation"), default="profiling")
    parser.add_argument("--kind", choices=("rendered", "real"))
    parser.add_argument("--model", default="vitdet-tiny-world")
    parser.add_argument("--real-model", default=str(ROOT / "weights" / "vitdet-tiny-research.safetensors"))
    parser.add_argument("--frames", type=int, default=16, help="frames of each clip")
    parser.add_argument("--per-frame", type=int, default=5, help="configurations tried on each")
    parser.add_argument("--complete", type=int, default=1, help="frames of each clip on which all are tried")
    parser.add_argument("--measure-only", action="store_true")
    parser.add_argument("--known-only", action="store_true", help="measure nothing, take what is there")
    parser.add_argument("--into", type=Path, nargs="*", default=[])
    parser.add_argument("--profile", default="paper-jetson-rtx5090", help="whose durations the regret is about")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def measured(options: argparse.Namespace) -> dict[str, list[Observation]]:
    """Observations of the clips that are there, by name."""
    sides = {"profiling", options.side}
    clips = [c for c in load_splits().clips if c.side in sides and options.kind in (None, c.kind)]
    there = {clip: video for clip in clips if (video := find_clip(clip, options.videos)) is not None}
    found: dict[str, list[Observation]] = {}
    with Steps(Console(stderr=True)) as steps:
        for clip, video in sorted(there.items(), key=lambda item: _pixels(item[1])):  # cheap ones first
            detector = load_detector(options.model if clip.kind == "rendered" else options.real_model)
            if options.known_only:
                known = read_observations(observations_path(video, detector, sampling_of(clip, video, options)))
                found |= {clip.name: known} if known else {}
                continue
            found[clip.name] = content_observations(
                video, detector, begin=steps.begin_open, sampling=sampling_of(clip, video, options)
            )
    return found


def _pixels(video: Path) -> int:
    with VideoReader(video) as reader:
        return reader.size[0] * reader.size[1]


def sampling_of(clip: SplitClip, video: Path, options: argparse.Namespace) -> ContentSampling:
    """So many frames, spread over the clip."""
    with VideoReader(video) as reader:
        count = min(reader.frame_count or 0, clip.frames or 10**9)
    return ContentSampling(
        every=max(1, count // options.frames),
        per_frame=options.per_frame,
        complete=options.complete,
        until=clip.frames,
    )


if __name__ == "__main__":
    main()
