"""The job of `foveate run-experts`: a stream of pictures over a trace, live or simulated, then its figures."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

import foveate
from foveate.codec import PictureCoding
from foveate.codec.image_sets import read_images
from foveate.core import InputError, LabelledImages, PowerModel, SampleRecord, SampleTimes, split_by_class
from foveate.device.sample_session import TIMEOUT_S, DeviceSettings
from foveate.estimators.power import EnergyMeter, power_model
from foveate.estimators.sample_times import load_sample_times
from foveate.evaluation.experts.choose import Choices, HeldOut, choose
from foveate.evaluation.experts.figures import run_figures
from foveate.evaluation.experts.models import (
    Outputs,
    SentPictures,
    TrainedModel,
    cards_of,
    find_models,
    of_kind,
)
from foveate.evaluation.experts.play import one_at_a_time, play_experts
from foveate.evaluation.experts.simulate import simulate_experts
from foveate.evaluation.experts.stream import Change, Conditions, Stream
from foveate.evaluation.summary import machine
from foveate.models import load_classifier
from foveate.models.threads import one_thread
from foveate.network import LinkSettings, UplinkTrace
from foveate.policies import Router, parse_policy, router_by_name
from foveate.server.expert_worker import ExpertWorker, StartExpert

TRAIN_PER_CLASS = 340
READ_EVERY_S = 30.0
"""Between two looks at the energy counters, which turn over within minutes."""


@dataclass(frozen=True, kw_only=True)
class ExpertsSettings:
    """One run."""

    models: Path
    """Folder of a training: `$FOVEATE_HOME/training/NAME/seed-N`."""
    data: Path
    """The pictures' folder or archive."""
    trace: Path
    router: str
    """`NAME[:parameter=value,...]`; a threshold or top-k that is not given is the one chosen on held-out pictures."""
    out: Path
    kind: str = "progressive"
    """Of experts; `base` or another model's name: that one alone."""
    coding: str = "jpeg:90"
    rate_hz: float = 10.0
    samples: int = 1000
    part: str = "held-out"
    """`held-out`: what is there to choose on; `test`: the pictures of the final table."""
    simulate: bool = False
    times: str = "zen4-core"
    slower_device: float | None = None
    """Device at so many times the server's time for an expert; None = as `times` says."""
    power: str = "edge-t4"
    trace_offset_s: float = 0.0
    transport: str = "ideal"
    seed: int = 0
    changes: tuple[Change, ...] = ()
    ray: str | None = None
    """Of a Ray cluster that experts run on in a live run (`HOST:PORT`, `auto` or `local`); None: processes."""
    pin: bool = False
    """Live: the device on one CPU core, gateway and experts on another."""

    def __post_init__(self) -> None:
        if self.samples < 1 or not 0 < self.rate_hz < float("inf") or self.part not in ("held-out", "test"):
            raise InputError(
                "at least one sample, a positive rate and a part of held-out or test are required, got "
                f"{self.samples}, {self.rate_hz:g} and {self.part!r}"
            )
        if self.ray and self.simulate:
            raise InputError("experts of a simulation run nowhere: a cluster is for live runs")
        if self.pin and (self.simulate or self.ray):
            raise InputError("cores are for live runs with the experts on this machine")


def experts_job(settings: ExpertsSettings, *, console: Console | None = None) -> dict[str, Any]:
    """Do the run; writes `summary.json` and `samples.csv`, and returns what the former holds."""
    router_by_name(settings.router)  # a wrong one is told before models and pictures are read
    console = console or Console()
    models = find_models(settings.models)
    chosen = of_kind(models, settings.kind) if settings.kind not in models else [models[settings.kind]]
    held_out, played = _pictures(settings)
    console.print(f"{played.name}: {settings.samples} of {len(played)} pictures, {len(chosen)} experts")
    coding, outputs = PictureCoding.parse(settings.coding), Outputs()
    choices = choose(held_out_of(models["generalist"], chosen, SentPictures.of(held_out, coding), outputs))
    conditions = _conditions(settings, choices, chosen_router(settings.router, choices))
    index = np.random.default_rng((settings.seed, 23)).permutation(len(played))[: settings.samples]
    images = played.take(index)
    meter = EnergyMeter()
    if settings.simulate:
        stream = _stream(settings, models["generalist"], chosen, SentPictures.of(images, coding), outputs)
        records = simulate_experts(stream, conditions)
    else:
        on_sample = _reading(meter, settings.rate_hz)
        records = _live(settings, models["generalist"], chosen, images, conditions, on_sample=on_sample)
    summary = {
        **_origin(settings, conditions, choices, [model.name for model in chosen], played.name),
        "measured_joules": None if settings.simulate else meter.joules(),
        "measured_by": [] if settings.simulate else list(meter.sources),
        **run_figures(records, conditions.power, cards_of(chosen, len(images.class_names))),
    }
    _write(settings.out, records, summary)
    console.print(_table(summary))
    console.print(f"wrote {settings.out}")
    return summary


def chosen_router(text: str, choices: Choices) -> Router:
    """The router of a text, with what was chosen on held-out pictures where the text is silent."""
    router, (_, given) = router_by_name(text), parse_policy(text)
    for name in ("threshold", "top_k"):
        if hasattr(router, name) and name not in given:
            router = replace(router, **{name: getattr(choices, name)})  # type: ignore[type-var]
    return router


def _pictures(settings: ExpertsSettings) -> tuple[LabelledImages, LabelledImages]:
    """What there is to choose on, and what is played."""
    held_out = held_out_pictures(settings.data, settings.models)
    return held_out, held_out if settings.part == "held-out" else read_images(settings.data, "test")


def held_out_pictures(data: Path, models: Path) -> LabelledImages:
    """Pictures to choose on, as the training in this folder (`seed-N`; else that of seed 0) left them out."""
    training = read_images(data, "train")
    _, rest = split_by_class(training.labels, TRAIN_PER_CLASS, seed_of(models))
    return training.take(rest, name=f"{training.name}, held out")


def seed_of(training: Path) -> int:
    """N of a training's folder `seed-N`; 0 for other names."""
    number = training.name.removeprefix("seed-")
    return int(number) if number != training.name and number.isdecimal() else 0


def held_out_of(
    generalist: TrainedModel, experts: Sequence[TrainedModel], sent: SentPictures, outputs: Outputs
) -> HeldOut:
    """What there is to choose on."""
    return HeldOut(
        generalist=outputs.logits(generalist, sent.images.pixels),
        experts=tuple(outputs.logits(expert, sent.arrived) for expert in experts),
        cards=cards_of(experts, len(sent.images.class_names)),
        labels=sent.images.labels,
    )


def _stream(
    settings: ExpertsSettings,
    generalist: TrainedModel,
    experts: Sequence[TrainedModel],
    sent: SentPictures,
    outputs: Outputs,
) -> Stream:
    cards = cards_of(experts, len(sent.images.class_names))
    absent = _absent_at_first(settings.changes)
    return Stream(
        labels=sent.images.labels,
        payloads=sent.payloads,
        generalist=outputs.logits(generalist, sent.images.pixels),
        experts={expert.name: outputs.logits(expert, sent.arrived) for expert in experts},
        cards=tuple(card for card in cards if card.name not in absent),
        rate_hz=settings.rate_hz,
        changes=settings.changes,
        spare={card.name: card for card in cards if card.name in absent},
    )


def _absent_at_first(changes: tuple[Change, ...]) -> set[str]:
    """Experts whose first change is that they are added."""
    first: dict[str, str] = {}
    for change in sorted(changes, key=lambda change: change.at_s):
        first.setdefault(change.expert, change.kind)
    return {name for name, kind in first.items() if kind == "add"}


def _live(
    settings: ExpertsSettings,
    generalist: TrainedModel,
    experts: Sequence[TrainedModel],
    images: LabelledImages,
    conditions: Conditions,
    *,
    on_sample: Callable[[int], None],
) -> list[SampleRecord]:
    cards = cards_of(experts, len(images.class_names))
    absent = _absent_at_first(settings.changes)
    loaders = {
        card.name: (card, partial(load_classifier, expert.path)) for card, expert in zip(cards, experts, strict=True)
    }
    model = generalist.load()
    alone = one_thread() if settings.pin else nullcontext()
    with _where_experts_run(settings.ray) as start, alone:
        return play_experts(
            images,
            conditions,
            classify=one_at_a_time(model.logits),
            coding=PictureCoding.parse(settings.coding),
            experts=loaders,
            first=tuple(name for name in loaders if name not in absent),
            rate_hz=settings.rate_hz,
            changes=settings.changes,
            on_sample=on_sample,
            start=start,
            pin=settings.pin,
        )


def _reading(meter: EnergyMeter, rate_hz: float) -> Callable[[int], None]:
    """Told of every sample, reads the meter now and then."""
    every = max(1, round(READ_EVERY_S * rate_hz))

    def read(sample: int) -> None:
        if sample % every == 0:
            meter.joules()

    return read


@contextmanager
def _where_experts_run(address: str | None) -> Iterator[StartExpert]:
    """In processes of this machine, or on a cluster."""
    if address is None:
        yield ExpertWorker
        return
    from foveate.server.cluster.deployment import Cluster, ClusterOptions  # noqa: PLC0415  # needs Ray
    from foveate.server.cluster.experts import ClusterExpert  # noqa: PLC0415

    with Cluster(ClusterOptions(address=address)) as cluster:
        yield partial(ClusterExpert, cluster)


def _conditions(settings: ExpertsSettings, choices: Choices, router: Router) -> Conditions:
    times: SampleTimes = load_sample_times(settings.times)
    if settings.slower_device is not None:
        times = times.with_slower_device(settings.slower_device)
    power: PowerModel = power_model(settings.power)
    trace = UplinkTrace.load(settings.trace, offset_s=settings.trace_offset_s)
    return Conditions(
        settings=device_settings(choices, router, seed=settings.seed),
        link=LinkSettings(trace=trace, transport=settings.transport),
        times=times,
        power=power,
    )


def device_settings(choices: Choices, router: Router, *, seed: int = 0, timeout_s: float = TIMEOUT_S) -> DeviceSettings:
    """A device with what was chosen on held-out pictures."""
    return DeviceSettings(
        router=router,
        temperature=choices.temperature,
        combination=choices.combination,
        curve=choices.curve,
        timeout_s=timeout_s,
        seed=seed,
    )


def _origin(
    settings: ExpertsSettings, conditions: Conditions, choices: Choices, experts: list[str], data: str
) -> dict[str, Any]:
    """What the figures are of."""
    router = conditions.settings.router
    return {
        "data": data,
        "models": str(settings.models),
        "experts": experts,
        "router": router.name,
        "router_parameters": asdict(router),  # type: ignore[call-overload]  # a router is a dataclass
        "coding": settings.coding,
        "rate_hz": settings.rate_hz,
        "trace": str(settings.trace),
        "trace_offset_s": settings.trace_offset_s,
        "transport": settings.transport,
        "simulated": settings.simulate,
        "pinned": settings.pin,
        "durations": conditions.times.source if settings.simulate else "measured",
        "energy": conditions.power.source,
        "temperature": choices.temperature,
        "calibration_error": choices.calibration_error,
        "uncalibrated_error": choices.uncalibrated_error,
        "combination": asdict(choices.combination),
        "seed": settings.seed,
        "machine": machine(),
        "version": foveate.__version__,
    }


def _write(out: Path, records: Sequence[SampleRecord], summary: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "summary.json").write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
    rows = [asdict(record) | {"latency_s": record.latency_s, "is_right": record.is_right} for record in records]
    with (out / "samples.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _table(summary: dict[str, Any]) -> Table:
    table = Table(title=f"{summary['router']} on {summary['data']}", title_justify="left", show_header=False)
    latency, energy = summary["latency_s"], summary["energy_j"]
    rows = {
        "accuracy": f"{summary['accuracy']:.4f}",
        "offloaded": f"{summary['offloaded']:.3f} of {summary['samples']} samples",
        "answered by": ", ".join(f"{name} {count}" for name, count in summary["answered_by"].items()),
        "latency": "mean {mean:.1f} ms, median {p50:.1f}, p99 {p99:.1f}".format(
            **{name: 1e3 * value for name, value in latency.items()}
        ),
        "energy a sample": (
            f"{1e3 * energy['total']:.1f} mJ: device {1e3 * energy['device']:.1f}, radio {1e3 * energy['radio']:.1f}, "
            f"server {1e3 * energy['server']:.1f}"
        ),
        "energy is": summary["energy"].partition(":")[0],
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table
