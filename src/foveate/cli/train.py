"""`foveate train`: data -> weights."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveate.cli.training_sets import (
    annotation_files,
    evaluation_sets,
    files_of,
    growing,
    mixture_of,
    named_folder,
    sources_of,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from foveate.models import DenseDetector
    from foveate.training import Phase, Trainer

EXAMPLE = (
    "Example: foveate train detector configs/vitdet_tiny.py --name my-detector "
    "--data street=/data/street,1 --minutes 60"
)

_PICTURES = (".png", ".svg", ".pdf", ".jpg", ".webp")

app = typer.Typer(no_args_is_help=True, help="Train models on labelled pictures.")


@app.command(epilog=EXAMPLE)
def detector(  # noqa: PLR0917 - typer calls it by name
    data: Annotated[
        list[str],
        typer.Option(
            help="NAME=FOLDER[,WEIGHT]: a folder with images/ and train.json or annotations.json (COCO); "
            "pack=FILE[,WEIGHT]: a training pack. Repeatable."
        ),
    ],
    name: Annotated[str, typer.Option(help="Names the weights file and the folder of checkpoints.")],
    config: Annotated[Path | None, typer.Argument(help="A file like configs/vitdet_tiny.py.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Wall-clock budget, over all resumptions.")] = None,
    phase: Annotated[
        list[str] | None, typer.Option(help="SHARE:HEIGHTxWIDTH:BATCH, crops of one stretch. Repeatable, in order.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Largest learning rate.")] = None,
    distil: Annotated[
        bool | None,
        typer.Option(help="Mixed resolution learns from the model's own full resolution; default: as the recipe says."),
    ] = None,
    mixed: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of steps with downsampled regions; default: the recipe's.")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            help="Name or path of weights to start from; those of a narrower ViT than the recipe's are widened to it."
        ),
    ] = None,
    finetune_window: Annotated[
        int | None,
        typer.Option(min=1, help="Window of the model, tokens, where --init has another: its tables are converted."),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            help="Name or path of a detector whose answers at full resolution are learned beside the labels, "
            "in place of the model's own."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same draws.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Weights file; default $FOVEATE_HOME/weights/NAME.")] = None,
    evaluate: Annotated[
        list[str] | None,
        typer.Option(help="NAME=ANNOTATIONS.json to report figures on; pictures in images/ beside it. Repeatable."),
    ] = None,
    evaluate_minutes: Annotated[
        float | None, typer.Option(min=0.1, help="Look at some pictures of these sets so often on the way.")
    ] = None,
    torch_device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    follow: Annotated[
        bool, typer.Option(help="Look for new pictures on the way, as of a set that is still being rendered.")
    ] = False,
) -> None:
    """Train a detector, or go on with one that was interrupted; checkpoints lie in $FOVEATE_HOME/training/NAME."""
    from dataclasses import replace

    from foveate.cli.outputs import file_for
    from foveate.core import InputError, foveate_home
    from foveate.models import find_weights
    from foveate.models.weights import choose_torch_device
    from foveate.training import Trainer, finish, start_from

    _check_name(name)
    target = _weights_file(out or foveate_home() / "weights" / f"{name}.safetensors")
    file_for(target.with_suffix(".json"), reads=files_of(data, evaluate or []))
    if evaluate_minutes and not evaluate:
        raise InputError("--evaluate-minutes needs --evaluate, the sets to look at")
    device = choose_torch_device(torch_device)
    if finetune_window and not init:
        raise InputError("--finetune-window needs --init, the weights whose window is to change")
    if teacher and distil is False:
        raise InputError("--teacher is learned from by distillation, which --no-distil forbids")
    for weights in filter(None, (init, teacher)):
        find_weights(weights)
    recipe = _recipe(config)
    train_config = _overridden(recipe["config"], seed, _given(steps=steps, minutes=minutes, rate=rate, phase=phase))
    train_config = _distilling(train_config, distil)
    if mixed is not None:
        train_config = replace(train_config, resolution=replace(train_config.resolution, step_share=mixed))
    if evaluate_minutes:
        train_config = replace(train_config, evaluate_s=60 * evaluate_minutes)
    blank = _new_model(recipe["model"], seed, config)
    sources = sources_of(data)
    mixture, validation = mixture_of(sources, blank.class_names)
    evaluation = evaluation_sets(evaluate or [], blank.class_names)
    model = _start(init, finetune_window, blank, widened=config is not None) if init else blank
    trainer = Trainer(
        model.to(device),
        mixture,
        train_config,
        foveate_home() / "training" / name,
        evaluation,
        growing=growing(sources, blank.class_names, validation) if follow else None,
        teacher=start_from(teacher, blank.class_names) if teacher else None,
    )
    if not trainer.run():
        typer.echo(f"stopped at step {trainer.progress.step}; the same command goes on from there")
        return
    card = finish(trainer, target, validation=validation, evaluation=evaluation)
    _report(trainer, target, card)


@app.command(
    epilog="Example: foveate train pack --data rendered=/data/street,3 --data real=/data/photos --out street.pack"
)
def pack(
    data: Annotated[
        list[str],
        typer.Option(
            help="NAME=FOLDER[,WEIGHT]: a folder as `train detector` takes; bytes are shared by weight. Repeatable."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The pack.")],
    mib: Annotated[float, typer.Option(min=0.1, help="Largest size, MiB.")] = 40.0,
) -> None:
    """Put labelled sets into one small file: pictures of one size as H.264 video, others as JPEG, and the boxes.

    `train detector --data pack=FILE` reads it on any machine. The pack carries the terms of all its pictures.
    """
    from foveate.cli.outputs import file_for
    from foveate.core import STREET_CLASSES, InputError
    from foveate.training import PackSet, load_folder, write_pack

    if not mib < math.inf:
        raise InputError(f"--mib must be a finite size, got {mib:g}")
    sources = [named_folder(text) for text in data]
    file_for(out, reads=[file for _, folder, _ in sources for file in annotation_files(folder)])
    sets = []
    for name, folder, weight in sources:
        images = load_folder(folder, STREET_CLASSES, name=name)
        tell(images)
        file_for(out, reads=[image.path for image in images.images])
        sets.append(PackSet(images=images, weight=weight))
    for done in write_pack(out, sets, most_bytes=int(mib * 2**20)):
        line = f"{done.name}: {done.pictures} pictures in {done.size_bytes / 2**20:.1f} MiB ({done.coding})"
        typer.echo(line + (f", {done.dropped} left out" if done.dropped else ""))
    typer.echo(f"{out}: {out.stat().st_size / 2**20:.1f} MiB")


@app.command(
    epilog="Example: foveate train experts configs/experts_tiny_imagenet.py --data ../shared/data/tiny-imagenet-100"
)
def experts(
    config: Annotated[Path, typer.Argument(help="A file that defines recipe, like configs/experts_tiny_imagenet.py.")],
    *,
    data: Annotated[
        Path, typer.Option(help="Folder of Tiny-ImageNet-100, or CIFAR-100 as published: an archive or its folder.")
    ],
    name: Annotated[str | None, typer.Option(help="Names the folder of results. Default: that of the recipe.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same split and same draws.")] = 0,
    kinds: Annotated[
        str, typer.Option(help="Kinds of experts, with commas; a wrong one lists them all.")
    ] = "progressive,static",
    shorter: Annotated[float, typer.Option(min=1.0, help="Divide all lengths by this, to try a recipe out.")] = 1.0,
    threads: Annotated[int | None, typer.Option(min=1, help="Default: one for each core.")] = None,
    torch_device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
) -> None:
    """Train a generalist, the base of all experts and the experts, one after the other; go on where it was interrupted.

    Everything lies in $FOVEATE_HOME/training/NAME/seed-SEED.
    """
    import os

    from foveate.codec.image_sets import read_images
    from foveate.core import foveate_home
    from foveate.models.weights import choose_torch_device
    from foveate.training.classification import StageRunner, shortened

    if name:
        _check_name(name)
    recipe, device = shortened(_experts_recipe(config), shorter), choose_torch_device(torch_device)
    wanted = [kind for kind in kinds.split(",") if kind]
    recipe.stages(wanted)  # a wrong kind is told before pictures are read and the base is trained
    folder = foveate_home() / "training" / (name or config.stem) / f"seed-{seed}"
    runner = StageRunner(
        recipe=recipe,
        images=read_images(data, "train"),
        folder=folder,
        seed=seed,
        threads=threads or len(os.sched_getaffinity(0)),
        torch_device=device,
        tell=typer.echo,
    )
    done = runner.run(wanted)
    typer.echo(f"{folder}: all stages are done" if done else "stopped; the same command goes on from there")


@app.command(epilog="Example: foveate train curves ~/.cache/foveate/training/my-detector --out out/curves.png")
def curves(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a training, in $FOVEATE_HOME/training.")],
    out: Annotated[Path, typer.Option(help="Picture; its suffix tells the format.")],
) -> None:
    """Draw loss, learning rate and speed of a training over its steps, and AP50 where it was measured on the way."""
    from foveate.cli.outputs import file_for
    from foveate.core import InputError
    from foveate.training.curves import draw_curves, read_log

    if out.suffix.lower() not in _PICTURES:
        raise InputError(f"curves are drawn as {', '.join(_PICTURES)}, got {out}")
    draw_curves(read_log(run_dir), file_for(out))
    typer.echo(str(out))


def _recipe(path: Path | None) -> dict[str, Any]:
    """`model` and `config` of a recipe file; without one, those of the tiny detector."""
    from foveate.cli.recipes import run_recipe
    from foveate.models import vitdet_tiny
    from foveate.training import Schedule, TrainConfig

    if path is None:
        return {"model": vitdet_tiny, "config": TrainConfig(schedule=Schedule(minutes=60))}
    return run_recipe(path, "model", "config")


def _weights_file(path: Path) -> Path:
    """A file that weights can be written to; their card lies beside it under `.json`."""
    from foveate.cli.outputs import file_for
    from foveate.core import InputError

    file_for(path)
    if path.suffix != ".safetensors":
        raise InputError(f"--out is a weights file, NAME.safetensors, got {path}")
    return path


def _new_model(make: "Callable[[], DenseDetector]", seed: int, path: Path | None) -> "DenseDetector":
    """A recipe's model with random weights that `seed` decides; `InputError` if that fails, or it cannot be trained."""
    from contextlib import nullcontext

    import torch

    from foveate.cli.recipes import blames
    from foveate.core import InputError
    from foveate.models import ConvDetector, Detector

    with torch.random.fork_rng(devices=[]), nullcontext() if path is None else blames(path):
        torch.manual_seed(seed)
        model = make()
    if type(model) not in {Detector, ConvDetector}:
        raise InputError(f"{path}: model() must make a Detector or a ConvDetector, got a {type(model).__name__}")
    return model


def _start(init: str, window: int | None, blank: "DenseDetector", *, widened: bool) -> "DenseDetector":
    """The detector in `init`; if wanted and it is narrower than `blank`, as one of its shape."""
    from foveate.models import Detector, widen
    from foveate.training import start_from

    found = start_from(init, blank.class_names, window=window)
    if not (widened and isinstance(found, Detector) and isinstance(blank, Detector)):
        return found
    narrow, wide = found.config.backbone.dim, blank.config.backbone.dim
    if narrow >= wide:
        return found
    typer.echo(f"{init} is {narrow} wide, the recipe's model {wide}: widened, with the same answers at the start")
    return widen(found, blank.config)


def _experts_recipe(path: Path) -> Any:
    from foveate.cli.recipes import run_recipe

    return run_recipe(path, "recipe")["recipe"]


def _check_name(name: str) -> None:
    """A name becomes that of a folder and a file under $FOVEATE_HOME, and must not lead elsewhere."""
    from foveate.core import InputError

    if Path(name).name != name or name in ("", ".", ".."):
        raise InputError(f"--name is a single word without /, got {name!r}; --out says where the weights go")


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _overridden(config: Any, seed: int, given: dict[str, Any]) -> Any:
    """A recipe's `TrainConfig` with what was given on the command line; a limit given replaces both limits."""
    from dataclasses import replace

    if "rate" in given:
        given["learning_rate"] = given.pop("rate")
    if "phase" in given:
        given["phases"] = tuple(_phase(text) for text in given.pop("phase"))
    if given.keys() & {"steps", "minutes"}:
        given = {"steps": None, "minutes": None} | given
    return replace(config, seed=seed, schedule=replace(config.schedule, **given))


def _distilling(config: Any, wanted: bool | None) -> Any:
    from dataclasses import replace

    from foveate.training import DistillationConfig

    if wanted is None:
        return config
    return replace(config, distillation=(config.distillation or DistillationConfig()) if wanted else None)


def _phase(text: str) -> "Phase":
    from foveate.core import InputError
    from foveate.training import Phase

    try:
        share, size, batch_size = text.split(":")
        height, width = size.split("x")
        return Phase(share=float(share), size=(int(height), int(width)), batch_size=int(batch_size))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"a phase is SHARE:HEIGHTxWIDTH:BATCH, as 0.8:288x288:16, got {text!r}") from error


def _report(trainer: "Trainer", target: Path, card: dict[str, Any]) -> None:
    typer.echo(f"{target}: {trainer.progress.step} steps, {trainer.progress.crops} crops")
    typer.echo(f"score threshold {card['score_threshold']} (F1 {card['validation_f1']} on held-out training pictures)")
    for name, figures in card["evaluation"].items():
        shown = "  ".join(f"{label} {entry['ap50']:.3f}" for label, entry in figures["classes"].items())
        typer.echo(f"{name}: AP {figures['ap']:.3f}  AP50 {figures['ap50']:.3f}  by class: {shown}")
