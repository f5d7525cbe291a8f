"""A training pack: labelled sets in one small file, so that a training can move to another machine.

A zip file with an index and, per set, its boxes as COCO JSON and its pictures: as one H.264 video where all have one
size (rendered frames), as JPEG files otherwise. `unpack` turns it into folders that `load_folder` reads, once.
"""

import hashlib
import io
import json
import math
import os
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import simplejpeg

from foveate.core import FoveateError, InputError, MediaError, Pixels
from foveate.core.whole_files import whole_file
from foveate.training.dataset import ImageSet, LabelledImage
from foveate.training.pictures import picture_size

FORMAT = "foveate-pack-1"
SAMPLE = 24
"""Pictures of a set that are encoded to learn what a quality costs."""
H264_FACTORS = (20, 23, 26, 29, 32, 35)
"""Constant rate factors to choose from, best first."""
JPEG_QUALITIES = (92, 85, 75, 65, 50, 40)
"""The same for single pictures."""
UNPACKED_QUALITY = 95
"""JPEG quality of unpacked video frames."""
_SAFETY = 0.97
"""Part of a set's bytes that a sample's estimate may fill."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PackSet:
    """A set on its way into a pack. Raises `InputError` for a weight that is not positive, or a name that is a path."""

    images: ImageSet
    weight: float = 1.0
    """Its share of the drawn pictures and of the pack's bytes, up to a common factor."""

    def __post_init__(self) -> None:
        if not 0 < self.weight < math.inf:
            raise InputError(f"a set in a pack needs a positive weight, got {self.weight}")
        if not _is_plain(self.images.name):
            raise InputError(f"a set in a pack needs a name without slashes, got {self.images.name!r}")


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What became of a set."""

    name: str
    pictures: int
    """How many are in the pack."""
    dropped: int
    """How many did not fit."""
    coding: str
    """As `H.264, rate factor 26`."""
    size_bytes: int


def write_pack(path: Path, sets: list[PackSet], *, most_bytes: int) -> list[Packed]:
    """Write sets of one list of classes; each in the best quality that fits into its share of `most_bytes`.

    Where even the lowest does not fit, pictures are left out evenly. Raises `InputError` for sets of equal names or
    different classes, `MediaError` for a picture that cannot be read, `FoveateError` without PyAV and where the disk
    refuses.
    """
    names = [chosen.images.name for chosen in sets]
    if not sets or len(set(names)) < len(names) or len({chosen.images.class_names for chosen in sets}) > 1:
        raise InputError(f"a pack needs sets of different names and of the same classes, got {', '.join(names) or '-'}")
    total = sum(chosen.weight for chosen in sets)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as file:
        done = [_write_set(file, chosen.images, int(most_bytes * chosen.weight / total)) for chosen in sets]
        index = {
            "format": FORMAT,
            "class_names": list(sets[0].images.class_names),
            "sets": [{"name": chosen.images.name, "weight": chosen.weight} for chosen in sets],
        }
        file.writestr("index.json", json.dumps(index))
    return done


def _write_set(file: zipfile.ZipFile, images: ImageSet, most_bytes: int) -> Packed:
    sizes = {_size(image) for image in images.images}
    as_video = len(sizes) == 1 and len(images) > 1
    settings = H264_FACTORS if as_video else JPEG_QUALITIES
    encode = _encode_video if as_video else _encode_pictures
    setting, kept = _choose(images, settings, encode, left := most_bytes)
    files = encode(kept, setting)
    while (got := _bytes(files) + _bytes(boxes := _boxes(kept, images.class_names))) > most_bytes:
        if len(kept) == 1:
            raise InputError(f"not one picture of {images.name} fits into {most_bytes} bytes, the least is {got}")
        left = int(left * _SAFETY * most_bytes / got)
        setting, kept = _choose(images, settings, encode, left)
        files = encode(kept, setting)
    for name, content in files.items():
        file.writestr(f"{images.name}/{name}", content)
    for name, content in boxes.items():
        file.writestr(f"{images.name}/{name}", content, zipfile.ZIP_DEFLATED)
    return Packed(
        name=images.name,
        pictures=len(kept),
        dropped=len(images) - len(kept),
        coding=f"H.264, rate factor {setting}" if as_video else f"JPEG, quality {setting}",
        size_bytes=_bytes(files) + _bytes(boxes),
    )


Pictures = tuple[LabelledImage, ...]


def _choose(images: ImageSet, settings: tuple[int, ...], encode: Any, most_bytes: int) -> tuple[int, Pictures]:
    """The best setting that fits by the estimate of a sample, and the pictures that fit with it."""
    sample = images.images[:: max(1, len(images) // SAMPLE)]
    boxes = _bytes(_boxes(sample, images.class_names)) / len(sample)
    each = 0.0
    for setting in settings:
        each = _bytes(encode(sample, setting)) / len(sample) + boxes
        if each * len(images) <= most_bytes * _SAFETY:
            return setting, images.images
    fitting = min(len(images), max(1, int(most_bytes * _SAFETY / each)))
    rows = np.linspace(0, len(images) - 1, fitting).round().astype(int)
    return settings[-1], tuple(images.images[row] for row in rows)


def _bytes(files: dict[str, bytes]) -> int:
    """Size of files in the pack; JSON is deflated there."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in files.items():
            file.writestr(name, content, zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED)
    return len(packed.getvalue())


def _encode_pictures(images: Pictures, quality: int) -> dict[str, bytes]:
    return {
        f"images/{number:06d}.jpg": simplejpeg.encode_jpeg(image.read().pixels, quality, "RGB", "420")
        for number, image in enumerate(images)
    }


def _encode_video(images: Pictures, factor: int) -> dict[str, bytes]:
    av, target = _import_av(), io.BytesIO()
    height, width = _size(images[0])
    with av.open(target, "w", format="mp4") as container:
        options = {"crf": str(factor), "preset": "veryfast"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = height + height % 2, width + width % 2, "yuv420p"
        for image in images:
            pixels = np.pad(image.read().pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
        container.mux(stream.encode(None))
    return {"frames.mp4": target.getvalue()}


def _size(image: LabelledImage) -> tuple[int, int]:
    """`(height, width)` of a picture; what is told proves true where it is read."""
    return picture_size(image.path) if image.size is None else image.size


def _boxes(images: Pictures, class_names: tuple[str, ...]) -> dict[str, bytes]:
    """The COCO file of a set, without spaces."""
    listed, annotations = [], []
    for number, image in enumerate(images):
        height, width = _size(image)
        entry = {"id": number, "file_name": f"{number:06d}.jpg", "height": height, "width": width}
        listed.append(entry | {"group": image.group})
        corners = image.boxes.astype(float)
        marks = zip(image.labels, image.ignored, image.hidden, image.by_people, strict=True)
        for box, (label, ignored, hidden, by_people) in zip(corners, marks, strict=True):
            x1, y1, x2, y2 = box.tolist()
            sides = [round(value, 1) for value in (x1, y1, x2 - x1, y2 - y1)]
            found = {"image_id": number, "category_id": int(label) + 1, "bbox": sides, "iscrowd": int(ignored)}
            found |= {"visible": 0.0} if hidden else {}
            annotations.append(found | ({"source": "human"} if by_people else {}))
    categories = [{"id": number, "name": name} for number, name in enumerate(class_names, 1)]
    content = {"images": listed, "annotations": annotations, "categories": categories}
    return {"annotations.json": json.dumps(content, separators=(",", ":")).encode()}


class _Head(msgspec.Struct):
    """What an index of any version begins with."""

    format: str = ""


class _Listed(msgspec.Struct):
    """A set of a pack."""

    name: str
    weight: Annotated[float, msgspec.Meta(gt=0)]


class _Index(msgspec.Struct):
    """The index of a pack."""

    sets: Annotated[list[_Listed], msgspec.Meta(min_length=1)]


def unpack(path: Path, home: Path) -> list[tuple[str, Path, float]]:
    """Name, folder and weight of each set of a pack; folders under `home` are made once.

    Raises `MediaError` for a file that is missing, is no pack or is damaged, and for a disk that refuses;
    `FoveateError` without PyAV.
    """
    try:
        with path.open("rb") as content, zipfile.ZipFile(content) as file:
            sets = _index(file, path).sets
            content.seek(0)
            folder = home / hashlib.file_digest(content, "sha256").hexdigest()[:16]
            if not folder.is_dir():
                _extract(file, [listed.name for listed in sets], folder)
    except FoveateError:
        raise
    except OSError as error:
        raise MediaError(f"{path} cannot be unpacked ({error})") from error
    except Exception as error:  # zip, zlib and FFmpeg raise whatever damaged bytes make them
        raise MediaError(f"{path} is not a whole training pack ({error})") from error
    return [(listed.name, folder / listed.name, listed.weight) for listed in sets]


def _index(file: zipfile.ZipFile, path: Path) -> _Index:
    content = file.read("index.json")
    if (found := msgspec.json.decode(content, type=_Head).format) != FORMAT:
        raise MediaError(f"{path}: a pack of format {FORMAT!r} is required, got {found!r}")
    index = msgspec.json.decode(content, type=_Index)
    if wrong := [listed.name for listed in index.sets if not _is_plain(listed.name)]:
        raise MediaError(f"{path}: names of sets must be plain, got {wrong[0]!r}")
    return index


def _is_plain(name: str) -> bool:
    """Whether it names a folder in another one."""
    return name not in {"", ".."} and Path(name).name == name


def _extract(file: zipfile.ZipFile, names: list[str], folder: Path) -> None:
    """All sets into `folder`, which appears when it is complete; another process may be at it as well."""
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    try:
        for name in names:
            _extract_set(file, name, partial / name)
        try:
            partial.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _extract_set(file: zipfile.ZipFile, name: str, folder: Path) -> None:
    images = folder / "images"
    images.mkdir(parents=True)
    annotations = file.read(f"{name}/annotations.json")
    (folder / "annotations.json").write_bytes(annotations)
    if f"{name}/frames.mp4" in file.namelist():
        _extract_video(file.read(f"{name}/frames.mp4"), json.loads(annotations)["images"], images)
    else:
        for member in file.namelist():
            if member.startswith(f"{name}/images/"):
                (images / Path(member).name).write_bytes(file.read(member))


def _extract_video(content: bytes, entries: list[dict[str, Any]], folder: Path) -> None:
    frames = 0
    for pixels, entry in zip(_frames(content), entries, strict=False):
        shown = np.ascontiguousarray(pixels[: entry["height"], : entry["width"]])
        jpeg = simplejpeg.encode_jpeg(shown, UNPACKED_QUALITY, "RGB", "420")
        (folder / Path(entry["file_name"]).name).write_bytes(jpeg)
        frames += 1
    if frames < len(entries):
        raise MediaError(f"a training pack's video holds {frames} of {len(entries)} frames")


def _frames(content: bytes) -> Iterator[Pixels]:
    av = _import_av()
    with av.open(io.BytesIO(content)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def _import_av() -> Any:
    try:
        import av  # noqa: PLC0415  # only packs of videos need it
    except ImportError as error:
        raise FoveateError("training packs need PyAV: pip install 'foveate[server]'") from error
    return av
