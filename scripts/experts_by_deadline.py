"""Train one seed of Ask the Expert until a time of day, and pack what tables need of it.

    python scripts/experts_by_deadline.py configs/experts_tiny_imagenet_gpu.py --data DIR --seed 0 --until 1764160000 \
        --folder /tmp/experts --out experts-seed0.tar

For a machine that is there for some minutes: first it measures how fast it trains, together with the other seeds that
run beside it (`--seeds`), then it fits the lengths of the recipe's stages to the time, the same for all seeds. Stages
follow by importance; what is not done in time is left out. The archive holds recipe, subsets, logs, the generalist and
what every finished model says about the pictures of the tables. Unpacked into $FOVEATE_HOME/training/NAME,
`foveate compare experts-overall` works from it.
"""

import argparse
import json
import os
import runpy
import signal
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from foveate.codec import PictureCoding
from foveate.codec.image_sets import read_images
from foveate.core import LabelledImages, split_by_class
from foveate.evaluation.experts.answers import SUFFIX
from foveate.evaluation.experts.models import SentPictures, complete_names, find_models, keep_answers
from foveate.models import vit_classifier
from foveate.models.weights import choose_torch_device
from foveate.training.classification import (
    ClassifierTrainer,
    ClassifierTraining,
    ExpertsRecipe,
    ModelShape,
    StageRunner,
    steps_schedule,
)
from foveate.training.schedule import Schedule

SHARES = {"generalist": 0.17, "base": 0.36, "expert": 0.01}
"""Parts of the time for each of these stages; there are up to 21 of the last."""
MOST_PICTURES = {"generalist": 8_000_000, "base": 6_000_000, "expert": 120_000}
"""More would only be learnt by heart."""
WAIT_S = 60.0
"""How long a seed waits for the figures of the others."""
PACKING_S = 20.0
"""Before the deadline, for answers and archive."""
ARCHIVE_S = 3.0
"""Before the deadline, for the archive alone."""
TEACHING = 1.4
"""Time of a step with a teacher, in those without."""

Pace = dict[str, float]
"""Seconds for a picture, by `MODEL-SIDE`."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One seed."""

    recipe: ExpertsRecipe
    images: LabelledImages
    folder: Path
    """Of all seeds."""
    seed: int
    until: float
    """Seconds since 1970."""
    torch_device: torch.device
    steps: int
    """Of each measurement."""

    @property
    def models(self) -> Path:
        """Folder of this seed's weights."""
        return self.folder / f"seed-{self.seed}"


def measured(job: Job) -> Pace:
    """How long a picture takes in training, for each model and side."""
    shapes = {"generalist": job.recipe.generalist, "base": job.recipe.expert}
    schedules = {"generalist": job.recipe.generalist_schedule, "base": job.recipe.base_schedule}
    sides = {name: {phase.size[0]: phase.batch_size for phase in schedules[name].phases} for name in shapes}
    return {
        f"{name}-{side}": _picture_s(job, shapes[name], side, batch_size)
        for name in shapes
        for side, batch_size in sides[name].items()
    }


def _picture_s(job: Job, shape: ModelShape, side: int, batch_size: int) -> float:
    model = vit_classifier(job.images.class_names, image_size=job.recipe.image_size, dim=shape.dim, depth=shape.depth)
    schedule = steps_schedule([(10_000 * batch_size, side)], batch_size=batch_size, learning_rate=1e-3, warmup_steps=1)
    with tempfile.TemporaryDirectory() as folder:
        config = ClassifierTraining(schedule=schedule, threads=1, augment=job.recipe.augment)
        trainer = ClassifierTrainer(model.to(job.torch_device), job.images, config, Path(folder))
        spans = []
        for steps in (job.steps, job.steps, 5 * job.steps):  # the first warms up; writing takes as long in each
            began_at = time.monotonic()
            trainer.run(most_steps=steps)
            spans.append(time.monotonic() - began_at)
    return max(spans[2] - spans[1], 1e-6) / (4 * job.steps * batch_size)


def shared(job: Job, pace: Pace, seeds: int) -> tuple[Pace, float]:
    """The mean pace of all seeds that measured in time, and when the last of them had."""
    job.folder.mkdir(parents=True, exist_ok=True)
    own = job.folder / f"pace-{job.seed}.json"
    partial = own.with_suffix(".part")
    partial.write_text(json.dumps({"pace": pace, "at": time.time()}))
    partial.replace(own)
    last = time.monotonic() + WAIT_S
    while len(files := sorted(job.folder.glob("pace-*.json"))) < seeds and time.monotonic() < last:
        time.sleep(0.2)
    found = [json.loads(file.read_text()) for file in files]
    mean = {name: sum(entry["pace"][name] for entry in found) / len(found) for name in pace}
    return mean, max(entry["at"] for entry in found)


def fitted(recipe: ExpertsRecipe, pace: Pace, seconds: float) -> ExpertsRecipe:
    """The recipe with lengths for so much time in all; experts from scratch keep their part of base and expert."""
    side = recipe.expert_schedule.phases[-1].size[0]
    taught = {f"expert-{side}": TEACHING * pace[f"base-{side}"]}
    generalist = _fit(recipe.generalist_schedule, pace, seconds, "generalist")
    base = _fit(recipe.base_schedule, pace, seconds, "base")
    expert = _fit(recipe.expert_schedule, taught, seconds, "expert")
    pictures = _pictures(base) // recipe.experts
    small, large = recipe.scratch_schedule.phases[0].size[0], recipe.scratch_schedule.phases[-1].size[0]
    scratch = steps_schedule(
        [(pictures // 2, small), (pictures // 2 + _pictures(expert), large)],
        batch_size=recipe.scratch_schedule.phases[0].batch_size,
        learning_rate=recipe.scratch_schedule.learning_rate,
        warmup_steps=recipe.scratch_schedule.warmup_steps,
    )
    return replace(
        recipe,
        generalist_schedule=generalist,
        base_schedule=base,
        expert_schedule=expert,
        scratch_schedule=replace(scratch, warmup_steps=min(scratch.warmup_steps, (scratch.steps or 1) // 4)),
    )


def _pictures(schedule: Schedule) -> int:
    return (schedule.steps or 0) * schedule.phases[0].batch_size


def _fit(schedule: Schedule, pace: Pace, seconds: float, name: str) -> Schedule:
    total = sum(phase.share for phase in schedule.phases)
    picture_s = sum(phase.share / total * pace[f"{name}-{phase.size[0]}"] for phase in schedule.phases)
    pictures = min(SHARES[name] * seconds / picture_s, MOST_PICTURES[name])
    steps = max(2, round(pictures / schedule.phases[0].batch_size))
    return replace(schedule, steps=steps, warmup_steps=min(schedule.warmup_steps, steps // 4))


def stop_at(until: float) -> threading.Event:
    """From then on this process gets SIGTERM every second, until the event that is returned is set."""
    ended = threading.Event()

    def watch() -> None:
        ended.wait(max(0.0, until - time.time()))
        while not ended.is_set():
            os.kill(os.getpid(), signal.SIGTERM)
            ended.wait(1.0)

    threading.Thread(target=watch, daemon=True).start()
    return ended


class LateError(Exception):
    """The deadline came between two trainings."""


def _on_signal(*_: object) -> None:
    raise LateError


def train(job: Job, recipe: ExpertsRecipe, kinds: Sequence[str], pictures: tuple[SentPictures, SentPictures]) -> None:
    """All stages, the kinds one after the other, the first two together, and their answers; until the deadline."""
    runner = StageRunner(
        recipe=recipe,
        images=job.images,
        folder=job.models,
        seed=job.seed,
        threads=1,
        torch_device=job.torch_device,
        tell=lambda text: print(f"{time.strftime('%H:%M:%S')} seed {job.seed} {text}", flush=True),
    )
    signal.signal(signal.SIGTERM, _on_signal)
    ended = stop_at(job.until - PACKING_S)
    try:
        for count in range(min(2, len(kinds)), len(kinds) + 1):
            if not runner.run(kinds[:count]):
                break
            answer(job, kinds, *pictures)
    except LateError:
        pass
    finally:
        ended.set()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def answer(job: Job, kinds: Sequence[str], held_out: SentPictures, test: SentPictures) -> None:
    """Keep what finished models say, of which nothing has been kept yet; until shortly before the deadline."""
    models = find_models(job.models)
    for model in (models[name] for name in by_importance(models, kinds)):
        if time.time() < job.until - ARCHIVE_S and not model.path.with_suffix(SUFFIX).is_file():
            keep_answers(model, held_out, test)


def pack(job: Job, kinds: Sequence[str], out: Path, most_bytes: int) -> None:
    """Write the archive, the most important first, up to a size."""
    names = by_importance(complete_names(job.models), kinds)
    files = [job.models / name for name in ("recipe.json", "subsets.json")]
    files += sorted(job.models.glob("*/log.jsonl"))
    files += [job.models / f"{name}{SUFFIX}" for name in names] + [job.models / "generalist.safetensors"]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(out, "w") as archive:
        for file in files:
            if file.is_file() and archive.offset + file.stat().st_size + 20_000 <= most_bytes:
                archive.add(file, arcname=str(Path(f"seed-{job.seed}") / file.relative_to(job.models)))
            else:
                print(f"seed {job.seed}: {file.name} is left out", flush=True)
    print(f"seed {job.seed}: {out} {out.stat().st_size / 2**20:.1f} MiB", flush=True)


def by_importance(names: Iterable[str], kinds: Sequence[str]) -> list[str]:
    """Models of all classes first, then experts in the order of kinds."""
    first = ("generalist", "base", "continued")

    def place(name: str) -> tuple[int, str]:
        kind = name.rpartition("-")[0]
        order = first.index(name) if name in first else len(first) + [*kinds, kind].index(kind)
        return order, name

    return sorted(names, key=place)


def _sent(job: Job, data: Path) -> tuple[SentPictures, SentPictures]:
    """Pictures to choose on, and those of the table."""
    _, rest = split_by_class(job.images.labels, job.recipe.train_per_class, job.seed)
    coding = PictureCoding()
    return SentPictures.of(job.images.take(rest), coding), SentPictures.of(read_images(data, "test"), coding)


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--until", type=float, required=True, help="seconds since 1970")
    parser.add_argument("--fit-until", type=float, help="lengths are for this time; default: --until")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds run beside one another")
    parser.add_argument("--kinds", default="progressive,static,progressive-plain,static-distilled")
    parser.add_argument("--most-mib", type=float, default=15.5)
    parser.add_argument("--torch-device", default="auto")
    parser.add_argument("--steps", type=int, default=12, help="of each measurement of the pace")
    options = parser.parse_args()
    kinds = options.kinds.split(",")
    job = Job(
        recipe=runpy.run_path(str(options.config))["recipe"],
        images=read_images(options.data, "train"),
        folder=options.folder,
        seed=options.seed,
        until=options.until,
        torch_device=choose_torch_device(options.torch_device),
        steps=options.steps,
    )
    pictures = _sent(job, options.data)
    pace, begun_at = shared(job, measured(job), options.seeds)
    recipe = fitted(job.recipe, pace, (options.fit_until or job.until) - PACKING_S - begun_at)
    shown = {name: f"{1e6 * value:.1f} us" for name, value in pace.items()}
    print(f"seed {job.seed}: a picture takes {shown}, {job.until - time.time():.0f} s are left", flush=True)
    train(job, recipe, kinds, pictures)
    answer(job, kinds, *pictures)
    pack(job, kinds, options.out, round(options.most_mib * 2**20))


if __name__ == "__main__":
    sys.exit(main())
