"""`foveate detect`: objects of pictures and videos, as COCO JSON and drawn."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from foveate.core import Detections, FoveateError, InputError, Mask, MediaError, Pixels

if TYPE_CHECKING:
    from foveate.metrics import AnnotatedImage
    from foveate.models import MixedDetector

T = TypeVar("T")
Interrupted = Callable[[], bool]

EXAMPLE = "Example: foveate detect src/foveate/samples/street.mp4 --out out/detect"
DEFAULT_MODEL = "vitdet-tiny-world"
_MASK = "a mask is a list of rows of 0 and 1, as JSON or .npy"
OBJECTS = "objects"
"""Value of `--mask` that downsamples the regions without an object."""


def detect(
    source: Annotated[Path, typer.Argument(metavar="IMAGE/VIDEO/DIR", help="Picture, video, or folder of pictures.")],
    out: Annotated[Path, typer.Option(help="Folder for detections.json and what is drawn; made if missing.")],
    *,
    model: Annotated[str, typer.Option(help="Name (see `foveate models`) or weights file.")] = DEFAULT_MODEL,
    mask: Annotated[
        str | None,
        typer.Option(
            metavar="objects/FILE",
            help="Regions to downsample. objects: those without an object, in a first pass over a picture or in the "
            "previous frame of a video. FILE: one row of 0/1 per row of regions, as JSON or .npy; 1 = low resolution.",
        ),
    ] = None,
    beta: Annotated[
        int | None,
        typer.Option(help="With --mask: restoration point, 0 (before the backbone) to N; default N, the fastest."),
    ] = None,
    score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Least score of a detection; default: the model card's.")
    ] = None,
    outlines: Annotated[
        bool, typer.Option("--outlines", help="Write the mask of each object too; for models with a mask head.")
    ] = False,
    draw: Annotated[bool, typer.Option("--draw/--no-draw", help="Draw the boxes and the region map.")] = True,
) -> None:
    """Find objects in pictures or a video: COCO JSON, and drawn. Ctrl-C ends after the frame at hand and keeps all."""
    from foveate.cli.interrupts import interrupts
    from foveate.cli.outputs import file_for, folder_for
    from foveate.codec import is_video
    from foveate.models import RcnnDetector, load_detector

    if not source.exists():
        raise MediaError(f"no such file or folder: {source}")
    folder_for(out)
    file_for(out / "detections.json", reads=[mask, model])
    chosen = None if mask in (None, OBJECTS) else read_mask(Path(str(mask)))
    detector = load_detector(model)
    if beta is not None and beta not in detector.restoration_points:
        raise InputError(f"--beta must lie in 0..{detector.restoration_points[-1]} for {detector.name}, got {beta}")
    if beta is not None and mask is None:
        raise InputError("--beta says where downsampled regions are restored: it needs --mask, which names them")
    if outlines and not (isinstance(detector, RcnnDetector) and detector.config.with_masks):
        raise InputError(f"--outlines needs a model with a mask head, which {detector.name} does not have")
    look = Look(
        detector=detector,
        mask=chosen,
        by_objects=mask == OBJECTS,
        restoration_point=beta,
        score=score,
        outlines=outlines,
    )
    detect_all = _detect_video if is_video(source) else _detect_pictures
    with interrupts() as interrupted:
        detect_all(source, out, look, draw=draw, interrupted=interrupted)
    if interrupted():
        typer.echo("stopped early: the frames that were finished are kept", err=True)
        raise typer.Exit(130)


def read_mask(path: Path) -> Mask:
    """A downsampling mask from a JSON file (a list of rows of 0/1) or an `.npy` file. Raises `MediaError`."""
    from zipfile import BadZipFile

    import numpy as np

    try:
        rows = np.load(path, allow_pickle=False) if path.suffix == ".npy" else np.array(json.loads(path.read_text()))
    except OSError as error:
        raise MediaError(f"cannot read the mask {path}: {error.strerror or error}") from error
    except (ValueError, EOFError, RecursionError, MemoryError, BadZipFile) as error:
        raise MediaError(f"{path}: {_MASK}, all rows of one length") from error
    if not isinstance(rows, np.ndarray):
        raise MediaError(f"{path}: {_MASK}, got an archive of arrays")
    if rows.ndim != 2 or not np.isin(rows, (0, 1)).all():
        raise MediaError(f"{path}: {_MASK}, got shape {rows.shape} of {rows.dtype}")
    return np.asarray(rows, np.bool_)


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """What a detector found in a frame, and how it looked at it."""

    found: Detections
    mask: Mask | None
    """Regions that it saw at low resolution; None = none."""
    outlines: tuple[dict[str, Any], ...] | None = None
    """Masks of the objects in COCO's form, where asked for."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a detector looks at frames: which regions it sees at low resolution, and where it restores them."""

    detector: MixedDetector
    mask: Mask | None
    """The same for every frame; None = no region."""
    by_objects: bool
    """Downsample what held no object when it was last seen."""
    restoration_point: int | None
    score: float | None
    outlines: bool = False
    """Also find which pixels belong to each object."""

    def at_picture(self, pixels: Pixels) -> Seen:
        """What is in a picture; by objects, a first pass at full resolution finds the mask."""
        first = self.detector.detect(pixels, score_threshold=self.score) if self.by_objects else None
        return self.at_frame(pixels, first)

    def at_frame(self, pixels: Pixels, seen: Detections | None) -> Seen:
        """What is in a frame of which objects were `seen` before; None = nothing is known yet."""
        mask = self.mask
        if self.by_objects and seen is not None:
            mask = ~self.detector.region_grid(*pixels.shape[:2]).overlapping(seen.boxes)
        if self.outlines:
            return self._outlined(pixels, mask)
        found = self.detector.detect(pixels, mask, self.restoration_point, score_threshold=self.score)
        return Seen(found=found, mask=mask)

    def _outlined(self, pixels: Pixels, mask: Mask | None) -> Seen:
        from foveate.metrics import encode_outline
        from foveate.models import RcnnDetector

        assert isinstance(self.detector, RcnnDetector)
        seen = self.detector.segment(pixels, mask, self.restoration_point, score_threshold=self.score)
        outlines = tuple(encode_outline(seen.pixels(i)) for i in range(len(seen.detections)))
        return Seen(found=seen.detections, mask=mask, outlines=outlines)

    def drawn(self, pixels: Pixels, seen: Seen) -> Pixels:
        """A copy of the frame with its boxes and, if there is a mask, its region map."""
        from foveate.evaluation import draw

        grid = None if seen.mask is None else self.detector.region_grid(*pixels.shape[:2])
        return draw(pixels, seen.found, grid=grid, mask=seen.mask)


def _detect_pictures(source: Path, out: Path, look: Look, *, draw: bool, interrupted: Interrupted) -> None:
    """A picture, or those of a folder; one that cannot be read is reported, and the rest goes on."""
    from foveate.codec import read_image, write_image
    from foveate.evaluation.outputs import spare_inputs

    files = _pictures_of(source)
    if out.resolve() == files[0].parent.resolve():
        raise InputError(f"--out must be another folder than that of the pictures, got {out}")
    drawings = _drawings(files, out) if draw else {}
    spare_inputs(drawings.values(), files)
    out.mkdir(parents=True, exist_ok=True)
    results: list[AnnotatedImage] = []
    unreadable = 0
    with _kept(out, results):
        for file in _until(interrupted, _with_progress(files, len(files))):
            try:
                pixels = read_image(file)
            except MediaError as error:
                if source.is_file():
                    raise
                typer.echo(f"foveate: {error}", err=True)
                unreadable += 1
                continue
            seen = look.at_picture(pixels)
            results.append(_annotated(file, pixels, seen))
            if draw:
                write_image(drawings[file], look.drawn(pixels, seen))
    if unreadable and not interrupted():
        raise FoveateError(f"{unreadable} of {len(files)} pictures could not be read")


def _drawings(files: list[Path], out: Path) -> dict[Path, Path]:
    """Where each picture is drawn; a stem that two files share would lose one of the drawings."""
    stems = Counter(file.stem for file in files)
    return {file: out / f"{file.stem if stems[file.stem] == 1 else file.name}.jpg" for file in files}


def _pictures_of(source: Path) -> list[Path]:
    from foveate.codec import is_image

    if source.is_file():
        return [source]
    files = sorted(file for file in source.iterdir() if file.is_file() and is_image(file))
    if not files:
        raise MediaError(f"no pictures in the folder {source}")
    return files


def _detect_video(source: Path, out: Path, look: Look, *, draw: bool, interrupted: Interrupted) -> None:
    """Every frame of a video; with regions by objects, those of the frame before."""
    from foveate.codec import VideoReader, VideoWriter
    from foveate.evaluation.outputs import spare_inputs

    if draw:
        spare_inputs([out / "annotated.mp4"], [source])
    results: list[AnnotatedImage] = []
    seen: Seen | None = None
    with VideoReader(source) as video, _kept(out, results):
        out.mkdir(parents=True, exist_ok=True)
        writing = VideoWriter(out / "annotated.mp4", video.size, video.fps) if draw else nullcontext()
        with writing as writer:
            for number, pixels in enumerate(_until(interrupted, _with_progress(video, video.frame_count))):
                seen = look.at_frame(pixels, None if seen is None else seen.found)
                results.append(_annotated(source, pixels, seen, frame=number))
                if writer is not None:
                    writer.write(look.drawn(pixels, seen))


def _annotated(file: Path, pixels: Pixels, seen: Seen, frame: int | None = None) -> AnnotatedImage:
    from foveate.metrics import AnnotatedImage, Truth

    size = pixels.shape[0], pixels.shape[1]
    truth = Truth(detections=seen.found)
    return AnnotatedImage(file_name=file.name, size=size, truth=truth, frame=frame, outlines=seen.outlines)


@contextmanager
def _kept(out: Path, results: list[AnnotatedImage]) -> Iterator[None]:
    """Writes the results in the end; those that are there, where something refuses before."""
    try:
        yield
    except BaseException:
        if results:
            _finish(out, results)
        raise
    _finish(out, results)


def _finish(out: Path, results: list[AnnotatedImage]) -> None:
    from foveate.metrics import write_coco

    write_coco(out / "detections.json", results)
    objects = sum(len(result.truth.detections) for result in results)
    typer.echo(f"{objects} objects in {len(results)} frames: {out / 'detections.json'}")


def _until(interrupted: Interrupted, items: Iterable[T]) -> Iterator[T]:
    """The items up to a Ctrl-C: the one at hand is finished, and no other begun."""
    for item in items:
        if interrupted():
            return
        yield item


def _with_progress(items: Iterable[T], count: int | None) -> Iterable[T]:
    """The items, with a progress bar where somebody looks."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(items, "detecting", total=count, console=console, transient=True, disable=not console.is_terminal)
