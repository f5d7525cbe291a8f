"""`foveate profile`: measure an own camera, device and server."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from foveate.core import ImportanceScale, ImportanceSource, Profile
    from foveate.models import MixedDetector
    from foveate.profiling import ClassObservation, ClassSampling, ContentRows, ContentSampling, Judged
    from foveate.profiling.fit import Target

EXAMPLE = "Example: foveate profile all my.mp4 --out profile.json"

TRUTH_ENDS = (".json", ".truth.json", ".pseudo.json")
"""Endings of what lies beside a clip and tells what it shows."""

app = typer.Typer(no_args_is_help=True, help="Measure codec, model, device and content; profiles are JSON files.")

Clip = Annotated[Path, typer.Argument(metavar="VIDEO", help="A clip of the camera that will be used.")]
Clips = Annotated[
    list[Path],
    typer.Argument(metavar="VIDEO...", help="Clips of the camera; each judges the fit to the others, one its own end."),
]
Model = Annotated[str, typer.Option(help="Name or path of the server's model.")]
Out = Annotated[Path, typer.Option(metavar="FILE.json", help="The profile to write.")]
Into = Annotated[Path, typer.Option(metavar="FILE.json", help="The profile whose part is replaced.")]
Every = Annotated[int, typer.Option(min=2, help="Take one frame of this many.")]
PerFrame = Annotated[int, typer.Option(min=1, help="Configurations tried on each of these frames.")]
Repeats = Annotated[int, typer.Option(min=1, help="Measurements of each time.")]
Pin = Annotated[
    bool, typer.Option("--pin", help="Times as `foveate run --pin` meets them: a core each, the camera running.")
]
Trials = Annotated[
    int, typer.Option(min=0, help="Search for other networks of the paper's inputs in so many tries; 0: the paper's.")
]
Seed = Annotated[int, typer.Option(min=0, help="Of the draws.")]


@app.command(name="all", epilog=EXAMPLE)
def everything(
    videos: Clips,
    out: Out,
    *,
    model: Model = "vitdet-tiny-world",
    every: Every = 30,
    per_frame: PerFrame = 12,
    repeats: Repeats = 3,
    seed: Seed = 0,
    pin: Pin = False,
) -> None:
    """From own clips to a usable profile: times of this machine, estimators of size and accuracy, their errors."""
    from foveate.estimators import write_profile
    from foveate.models import load_detector
    from foveate.profiling import ContentSampling, FitOptions, provenance_of, with_content, with_decision

    _check_places(videos, out)
    with _bars() as begin:
        profile = _times(videos[0], out.stem, model, repeats, begin, pin=pin)
        detector = load_detector(model)
        parts = _rows(videos, detector, ContentSampling(every=every, per_frame=per_frame, seed=seed), begin)
    origin = provenance_of(detector, [video.name for video in videos])
    profile, judged = with_content(profile, parts, provenance=origin, options=FitOptions(seed=seed))
    profile = with_decision(profile)
    write_profile(profile, out)
    _print_times(profile)
    _print_fits(judged)
    typer.echo(f"wrote {out}")


@app.command(epilog="Example: foveate profile machine my.mp4 --pin --out profile.json")
def machine(
    video: Clip, out: Out, *, model: Model = "vitdet-tiny-world", repeats: Repeats = 3, pin: Pin = False
) -> None:
    """Times of this machine alone: codec, inference, motion, tracking. Simulations of most policies need no more."""
    from foveate.estimators import write_profile

    _check_places([video], out)
    with _bars() as begin:
        profile = _times(video, out.stem, model, repeats, begin, pin=pin)
    write_profile(profile, out)
    _print_times(profile)


def _check_places(videos: list[Path], out: Path | None = None) -> None:
    """Before anything is measured: whether the clips are there, and the profile can be written."""
    from foveate.cli.inputs import a_clip
    from foveate.cli.outputs import file_for
    from foveate.core import InputError

    for video in videos:
        a_clip(video)
        if out is not None and out.absolute() in {video.absolute().with_suffix(end) for end in TRUTH_ENDS}:
            raise InputError(f"{out} would be read as the truth of {video}: name the profile otherwise")
    if out is not None:
        file_for(out, reads=videos)


def _times(
    video: Path, name: str, model: str, repeats: int, begin: Callable[[str], Callable[[int, int], None]], *, pin: bool
) -> "Profile":
    from functools import partial

    from foveate.models import load_detector
    from foveate.profiling import Sampling, load_by_name, measure_machine, measure_machine_pinned

    sampling = Sampling(repeats=repeats)
    if pin:
        load = partial(load_by_name, model)
        return measure_machine_pinned(video, load, name=name, begin=begin, sampling=sampling)
    return measure_machine(video, load_detector(model), name=name, begin=begin, sampling=sampling)


@app.command(epilog="Example: foveate profile experts ~/.cache/foveate/training/my/seed-0 --out my-times.json")
def experts(
    models: Annotated[Path, typer.Argument(help="Folder of a training by `foveate train experts`, for one seed.")],
    *,
    out: Out,
    coding: Annotated[str, typer.Option(help="jpeg:QUALITY or png.")] = "jpeg:90",
) -> None:
    """Times of generalist, experts and their coding on one core, for `foveate run-experts --times`."""
    import numpy as np

    from foveate.cli.outputs import file_for
    from foveate.codec import PictureCoding
    from foveate.core import InputError
    from foveate.estimators.sample_times import save_sample_times
    from foveate.models import load_classifier
    from foveate.profiling import machine_name
    from foveate.profiling.classifiers import measure_classifiers

    if not (models / "generalist.safetensors").is_file():
        raise InputError(f"{models} holds no generalist: train one with `foveate train experts`")
    file_for(out, reads=models.iterdir())
    generalist, expert = (load_classifier(models / f"{name}.safetensors") for name in ("generalist", "base"))
    side = generalist.config.image_size
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    times = measure_classifiers(generalist, expert, picture, PictureCoding.parse(coding), machine=machine_name())
    save_sample_times(times, out)
    typer.echo(f"{out}: {times}")


@app.command(epilog="Example: foveate profile codec my.mp4 --into profile.json")
def codec(video: Clip, into: Into, *, model: Model = "vitdet-tiny-world", repeats: Repeats = 3) -> None:
    """Encoding and decoding by number of downsampled regions and quality; motion and tracking."""
    _remeasure(video, into, model, repeats, ("codec", "device"))


@app.command(epilog="Example: foveate profile server my.mp4 --into profile.json")
def server(video: Clip, into: Into, *, model: Model = "vitdet-tiny-world", repeats: Repeats = 3) -> None:
    """Inference by number of downsampled regions and restoration point, with the errors of the fits."""
    _remeasure(video, into, model, repeats, ("server",))


@app.command(epilog="Example: foveate profile content my.mp4 --every 30")
def content(
    videos: Clips,
    *,
    model: Model = "vitdet-tiny-world",
    every: Every = 30,
    per_frame: PerFrame = 12,
    seed: Seed = 0,
) -> None:
    """Size and accuracy of configurations on frames of clips, kept under $FOVEATE_HOME for `profile train`."""
    from foveate.models import load_detector
    from foveate.profiling import ContentSampling

    _check_places(videos)
    with _bars() as begin:
        sampling = ContentSampling(every=every, per_frame=per_frame, seed=seed)
        parts = _rows(videos, load_detector(model), sampling, begin)
    for video, rows in zip(videos, parts, strict=True):
        typer.echo(f"{video}: {len(rows)} rows")


@app.command(epilog="Example: foveate profile train my.mp4 --into profile.json --every 30")
def train(
    videos: Clips,
    into: Into,
    *,
    model: Model = "vitdet-tiny-world",
    every: Every = 30,
    per_frame: PerFrame = 12,
    trials: Trials = 0,
    seed: Seed = 0,
) -> None:
    """Fit the estimators of size and accuracy to what `profile content` measured with the same options."""
    from foveate.estimators import read_profile, write_profile
    from foveate.models import load_detector
    from foveate.profiling import ContentSampling, FitOptions, provenance_of, search, with_content

    before = read_profile(into)
    _check_places(videos, into)
    detector = load_detector(model)
    with _bars() as begin:
        parts = _rows(videos, detector, ContentSampling(every=every, per_frame=per_frame, seed=seed), begin)
        options = FitOptions(seed=seed)
        if trials:
            options = search(parts, trials=trials, options=options, progress=begin("search"))
            typer.echo(f"found {options}")
    origin = provenance_of(detector, [video.name for video in videos])
    profile, judged = with_content(before, parts, provenance=origin, options=options)
    write_profile(profile, into)
    _print_fits(judged)


@app.command(epilog="Example: foveate profile classes square.mp4 street.mp4 --into profile.json --every 300")
def classes(
    videos: Clips,
    into: Into,
    *,
    model: Model = "vitdet-tiny-world",
    device_model: Annotated[str, typer.Option(help="Name or path of the device's model.")] = "vitdet-tiny-world",
    every: Every = 300,
    subsets: Annotated[
        list[int] | None, typer.Option(help="Subsets whose global attention is importance; default: the last alone.")
    ] = None,
    scale: Annotated[str, typer.Option(help="Of importance, for its classes: linear or log.")] = "linear",
    importance: Annotated[str, typer.Option(help="By attention, or by suspected boxes.")] = "attention",
    seed: Seed = 0,
) -> None:
    """What a quality per importance class costs and is worth (Hyperion), against exact truth where a clip has it.

    About 25 inferences on pictures of 1024 x 1024 for each frame; kept under $FOVEATE_HOME.
    """
    from dataclasses import replace
    from typing import cast

    from foveate.estimators import read_profile, write_profile
    from foveate.models import load_detector
    from foveate.profiling import ClassSampling, fit_classes, judge_across, provenance_of, wish_of

    before = read_profile(into)
    _check_places(videos, into)
    detector, device = load_detector(model), load_detector(device_model)
    observations = _class_observations(
        videos,
        cloud=detector,
        device=device,
        every=every,
        subsets=tuple(subsets or ()),
        scale=scale,
        importance=importance,
        sampling=ClassSampling(seed=seed),
    )
    figures = judge_across(observations)
    origin = provenance_of(detector, [video.name for video in videos])
    fitted = replace(
        fit_classes(observations, provenance=origin),
        quality_of_fit=figures,
        importance=wish_of(
            cast("ImportanceSource", importance),
            subsets or (),
            cast("ImportanceScale", scale),
            count=device.restoration_points[-1],
        ),
    )
    write_profile(replace(before, classes=fitted), into)
    for name, value in figures.items():
        typer.echo(f"{name.replace('_', ' ')}: {value:.3f}")
    typer.echo(f"wrote {into}: classes from {len(observations)} frames of {len(videos)} clips")


def _class_observations(
    videos: list[Path],
    *,
    cloud: "MixedDetector",
    device: "MixedDetector",
    every: int,
    subsets: tuple[int, ...],
    scale: str,
    importance: str,
    sampling: "ClassSampling",
) -> "list[ClassObservation]":
    from dataclasses import asdict
    from functools import partial
    from typing import cast

    from foveate.core import InputError
    from foveate.estimators.natural_breaks import SCALES, Scale
    from foveate.models import GlancingDetector, ImportanceOptions, detect_in_slices
    from foveate.profiling import class_observations_path, measure_classes

    if scale not in SCALES:
        raise InputError(f"the scale of importance must be one of {', '.join(SCALES)}, got {scale!r}")
    options = ImportanceOptions(subsets=subsets or None)
    depends_on = [cloud.weights_hash, device.weights_hash, asdict(options), scale, importance, asdict(sampling)]
    found = []
    with _bars() as begin:
        for video in videos:
            found += measure_classes(
                video,
                GlancingDetector(device, options=options, importance=cast("ImportanceSource", importance)),
                cloud.detect,
                partial(detect_in_slices, cloud),
                class_observations_path(video, depends_on),
                every=every,
                scale=cast("Scale", scale),
                sampling=sampling,
                progress=begin(video.name),
            )
    return found


def _rows(
    videos: list[Path],
    detector: "MixedDetector",
    sampling: "ContentSampling",
    begin: Callable[[str], Callable[[int, int], None]],
) -> "list[ContentRows]":
    from foveate.profiling import content_observations, rows_of

    return [
        rows_of(content_observations(video, detector, begin=begin, sampling=sampling), clip=number)
        for number, video in enumerate(videos)
    ]


def _remeasure(video: Path, into: Path, model: str, repeats: int, parts: tuple[str, ...]) -> None:
    from dataclasses import replace

    from foveate.estimators import read_profile, write_profile
    from foveate.models import load_detector
    from foveate.profiling import Sampling, measure_machine

    before = read_profile(into)
    _check_places([video], into)
    with _bars() as begin:
        new = measure_machine(
            video, load_detector(model), name=before.name, begin=begin, sampling=Sampling(repeats=repeats)
        )
    after = replace(before, **{part: getattr(new, part) for part in parts})
    write_profile(after, into)
    _print_times(after)


def _print_times(profile: "Profile") -> None:
    from rich.table import Table

    from foveate.cli.tables import table_console

    table = Table("stage", "ms", title=f"profile {profile.name}, {profile.codec.frame_size}")
    codec, server, device = profile.codec, profile.server, profile.device
    table.add_row("encode, nothing / all downsampled, quality 95", _span(codec.encode_s[-2]))
    table.add_row("decode", _span(codec.decode_s))
    table.add_row("inference, whole frame", f"{1e3 * server.full_s:.0f}")
    for beta, fit in server.inference.items():
        ends = (fit.seconds(1), fit.seconds(server.regions))
        label = f"inference, 1 / all downsampled, beta {beta}"
        table.add_row(label, f"{_span(ends)} (fit {fit.residual:.0%} off at most)")
    table.add_row("motion", f"{1e3 * device.motion_s:.1f}")
    table.add_row("tracking", f"{1e3 * device.tracker_frame_s:.1f} + {1e3 * device.tracker_object_s:.2f} an object")
    table.add_row("deciding", f"{1e3 * device.decide_s:.2f}")
    table_console().print(table)


def _span(seconds: tuple[float, ...]) -> str:
    return f"{1e3 * seconds[0]:.1f} / {1e3 * seconds[-1]:.1f}"


def _print_fits(judged: "Mapping[Target, Judged]") -> None:
    """Every method on clips that its fit has not seen."""
    from rich.table import Table

    from foveate.cli.tables import table_console

    table = Table("estimates", "method", "MAE", "RMSE", "MAPE", "R2", "rows", title="on clips not seen in the fit")
    for target, result in judged.items():
        for method in result.estimated:
            f = result.figures(method)
            mae, rmse = ((f"{v:.1f}" if target == "size" else f"{v:.3f}") for v in (f.mae, f.rmse))
            name = "KiB" if target == "size" else "F1"
            table.add_row(name, method, mae, rmse, f"{f.mape:.1%}", f"{f.r2:.3f}", str(f.rows))
    table_console().print(table)


@contextmanager
def _bars() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    from rich.console import Console

    from foveate.evaluation.progress import Steps

    with Steps(Console(stderr=True)) as steps:
        yield steps.begin_open
