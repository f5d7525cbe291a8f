"""A comparison without any run: contenders whose results are drawn around known values."""

from pathlib import Path

import numpy as np

from foveate.evaluation.lab import Comparison, Contender, Experiment, Machine, Uplink, Variation, Video
from foveate.evaluation.lab.cell import Cell, Clip, Model, Timing, Trace
from foveate.evaluation.lab.clip_quality import ClipQuality
from foveate.evaluation.lab.prepare import ClipFacts
from foveate.evaluation.lab.result import CellResult, Row, Value
from foveate.evaluation.lab.store import Failure, Stored
from foveate.network.messages import Welcome

LEVELS = {"Back2Back": 0.27, "TrackB2B": 0.47, "TrackRoI": 0.50, "TrackUD": 0.51, "ViTMAlis": 0.56}
"""Rendering F1 of each contender."""
_POLICIES = dict(zip(LEVELS, ("back2back", "track-b2b", "track-roi", "track-ud", "vitmalis"), strict=True))
_STAGES = {"encode_s": 0.02, "uplink_s": 0.09, "decode_s": 0.01, "inference_s": 0.16, "downlink_s": 0.02}


def drawn_comparison(
    folder: Path, trace: Path, profile: Path, *, videos: int = 4, traces: int = 4, seconds: float = 6.0, seed: int = 0
) -> Comparison:
    """Rendered and real clips, two machines, five contenders; nothing of it was simulated."""
    rng = np.random.default_rng(seed)
    clips = [(kind, f"{kind}-{number}") for kind in ("rendered", "real") for number in range(videos)]
    machines = (Machine(profile=str(profile)), Machine(profile=str(profile), variation=Variation(codec=2.0)))
    contenders = tuple(Contender(label=label, policy=_POLICIES[label]) for label in LEVELS)
    experiment = Experiment(
        name="drawn",
        question="What does a report look like whose numbers nobody measured?",
        expected="The contenders in the order of their known values.",
        videos=tuple(Video(path=folder / f"{name}.mp4", model="fake", kind=kind) for kind, name in clips),  # type: ignore[arg-type]  # both are kinds
        uplinks=(Uplink(path=trace),),
        contenders=contenders,
        machines=machines,
        seconds=seconds,
        focus="ViTMAlis",
        published={"Back2Back": 0.268, "ViTMAlis": 0.53},
    )
    cells = [
        (
            contender,
            _stored(
                rng,
                contender.label,
                _cell(clip, trace=t, file=trace, machine=machine, policy=contender.policy, seconds=seconds),
            ),
        )
        for clip in clips
        for machine in machines
        for t in range(traces)
        for contender in contenders
    ]
    return Comparison(
        experiment=experiment,
        cells=cells,
        clips={name: ClipFacts(sha256=name, truths="", size=(1080, 1920), fps=30.0, frames=180) for _, name in clips},
        models={"fake": _welcome()},
        quality={
            name: ClipQuality(
                ceiling_exact=0.8 if kind == "rendered" else None,
                agreement_pseudo=None if kind == "rendered" else 0.6,
                flicker=0.15,
                motion=0.1 if kind == "rendered" else None,
            )
            for kind, name in clips
        },
        failures=[Failure(what="vitmalis on nothing", problem="nobody <ran> it")],
        computed_cells=0,
        wanted_cells=len(cells),
    )


def _cell(clip: tuple[str, str], *, trace: int, file: Path, machine: Machine, policy: str, seconds: float) -> Cell:
    kind, name = clip
    recording = f"drawn/{trace}"
    return Cell(
        clip=Clip(path=f"{name}.mp4", name=name, kind=kind, sha256=name, truths="", frames=180),
        model=Model(name="fake", weights_hash="hash-of-fake"),
        trace=Trace(path=str(file), name=recording, sha256=recording, scale=1.0, group="recorded", cluster=recording),
        transport="ideal",
        timing=Timing(profile=machine.profile, label=machine.label, sha256="", codec=machine.variation.codec),
        policy=policy,
        seconds=seconds,
        offset_number=0,
        offset_s=1.0,
        seed=0,
    )


def _stored(rng: np.random.Generator, label: str, cell: Cell) -> Stored:
    return Stored(cell=cell, result=_result(rng, label, cell.clip.kind, cell.seconds), version="0", code="none")


def _result(rng: np.random.Generator, label: str, kind: str, seconds: float) -> CellResult:
    level = float(np.clip(LEVELS[label] + rng.normal(0, 0.015), 0.05, 0.95))
    references = ("model", "exact") if kind == "rendered" else ("model", "pseudo")
    stages = {name: span * float(rng.uniform(0.7, 1.3)) for name, span in _STAGES.items()}
    latency = sum(stages.values())
    sent = np.arange(0.0, seconds, latency + 0.03)
    figures: dict[str, Value] = {
        "frames": round(30 * seconds),
        "offloads": len(sent),
        "failed_offloads": 0,
        "first_result_frame": 10,
        "inference_f1_model": float(rng.uniform(0.8, 0.95)),
        "new_objects": 20,
        "objects_shown": 900,
        "new_objects_found": 2,
        "ignored_objects": 40,
        "dropped_predictions": 7,
        **{f"rendering_f1_{name}": level - 0.1 * (name != "model") for name in references},
    }
    return CellResult(
        figures=figures,
        frames=[_frame(rng, index, level, references, latency) for index in range(round(30 * seconds))],
        offloads=[_offload(rng, number, float(at), stages, label) for number, at in enumerate(sent)],
        objects=_objects(rng, level) if kind == "rendered" else [],
        choices=_choices(label, len(sent)),
    )


def _frame(rng: np.random.Generator, index: int, level: float, references: tuple[str, ...], latency: float) -> Row:
    counts: list[Value] = []
    for name in ("model", "exact", "pseudo"):
        tp = int(rng.binomial(10, level))
        counts += (tp, 10 - tp, 10 - tp) if name in references else (None, None, None)
    source = None if index < 10 else index - 10
    return (index, index, (index + 1) / 30, source, None if source is None else latency + 0.2, 10, *counts)


def _offload(rng: np.random.Generator, number: int, at: float, stages: dict[str, float], label: str) -> Row:
    frame, total = round(30 * at), sum(stages.values())
    kind = int(rng.integers(0, 3)) if label == "ViTMAlis" else 0
    quality = int(rng.choice([80, 90, 100])) if label == "ViTMAlis" else 95
    beta = int(rng.integers(1, 5)) if kind else 0
    encode_s, uplink_s, *rest = stages.values()
    times = (at, at, at + total, total, encode_s, uplink_s, 0.0, *rest, 0.03)
    plan = (200_000, 2e7, kind, 8 * kind, quality, beta, 0, 1.0, "knee" if kind else "", 12, 0, "")
    return (number, frame, *times, *plan, 9, 1, 1, *(None,) * 6)


def _objects(rng: np.random.Generator, level: float) -> list[dict[str, str | int]]:
    bins = {
        "age": ("under 0.5 s", "0.5 to 1 s", "1 to 2 s", "over 2 s"),
        "speed": ("under 1", "1 to 3", "3 to 8", "over 8"),
        "size": ("under 32", "32 to 96", "over 96"),
    }
    return [
        {"property": what, "bin": name, "tp": (tp := int(rng.binomial(100, level))), "fp": 100 - tp, "fn": 100 - tp}
        for what, names in bins.items()
        for name in names
    ]


def _choices(label: str, offloads: int) -> list[dict[str, str | int]]:
    if label != "ViTMAlis":
        return [
            {"part": "quality", "value": "95", "count": offloads},
            {"part": "type", "value": "0", "count": offloads},
        ]
    half = offloads // 2
    return [
        {"part": "quality", "value": "80", "count": half},
        {"part": "quality", "value": "90", "count": offloads - half},
        {"part": "type", "value": "1", "count": half},
        {"part": "type", "value": "2", "count": offloads - half},
        {"part": "beta", "value": "4", "count": offloads},
        {"part": "reason", "value": "knee", "count": half},
        {"part": "reason", "value": "stale", "count": offloads - half},
    ]


def _welcome() -> Welcome:
    return Welcome(
        model="fake",
        weights_hash="hash-of-fake",
        class_names=["person", "car"],
        score_threshold=0.5,
        patch_size=16,
        window_size=2,
        downsampling_factor=2,
        subsets=4,
    )
