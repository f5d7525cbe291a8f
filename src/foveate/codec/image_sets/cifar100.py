"""CIFAR-100 as its author publishes it (Krizhevsky 2009): the binary and the Python version, packed or unpacked."""

import hashlib
import io
import pickle
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from foveate.core import LabelledImages, MediaError

NAME = "cifar-100"
HOW_TO_GET = (
    "CIFAR-100 is not part of foveate: get cifar-100-binary.tar.gz or cifar-100-python.tar.gz from "
    "https://www.cs.toronto.edu/~kriz/cifar.html and name the archive or the folder unpacked from it"
)
ARCHIVES = {
    "cifar-100-binary": "03b5dce01913d631647c71ecec9e9cb8",
    "cifar-100-python": "eb9058c3a382ffc7106e4002c42a8d85",
}
"""MD5 of both archives, as the page above states them."""
FILES = {
    "train.bin": "6172c7755cfe09b2fe270c85cebc1b15",
    "test.bin": "4499cfba6c016c1be1438163640a0898",
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
}
"""MD5 of the files inside, as loaders in wide use check them."""
PICTURES = {"train": 50_000, "test": 10_000}
SIDE = 32
PLANES = 3 * SIDE * SIDE


def read_cifar100(path: Path, part: str, *, check: bool = True) -> LabelledImages:
    """`part` ("train" or "test") from an archive or a folder of either version.

    `check`: compare checksums. Raises `MediaError` that says how to get the data where they are missing or damaged.
    """
    read = _opener(path, check=check)
    if _is_binary(path):
        return _binary(read, part, path)
    return _python(read, part, path)


def _opener(path: Path, *, check: bool) -> Callable[[str], bytes]:
    """A function that gives the bytes of a file of the set by its name."""
    if path.is_dir():
        return lambda name: _checked(_read_file(path / name), FILES.get(name) if check else None, path / name)
    if not path.is_file():
        raise MediaError(f"{path} does not exist. {HOW_TO_GET}")
    data = _checked(path.read_bytes(), ARCHIVES[_version(path)] if check else None, path)
    return lambda name: _read_member(data, f"{_version(path)}/{name}", path)


def _version(path: Path) -> str:
    return "cifar-100-binary" if _is_binary(path) else "cifar-100-python"


def _is_binary(path: Path) -> bool:
    return (path / "train.bin").is_file() if path.is_dir() else "binary" in path.name


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MediaError(f"{path}: {error.strerror}. {HOW_TO_GET}") from error


def _read_member(archive: bytes, name: str, path: Path) -> bytes:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            file = tar.extractfile(name)
            if file is not None:
                return file.read()
    except (tarfile.TarError, zlib.error, EOFError, KeyError, OSError) as error:
        raise MediaError(f"{path}: {name} cannot be read from it ({error}). {HOW_TO_GET}") from error
    raise MediaError(f"{path}: {name} is no file in it. {HOW_TO_GET}")


def _checked(data: bytes, wanted: str | None, path: Path) -> bytes:
    got = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if wanted is not None and got != wanted:
        raise MediaError(f"{path} is damaged: MD5 {wanted} is required, got {got}. {HOW_TO_GET}")
    return data


def _binary(read: Callable[[str], bytes], part: str, path: Path) -> LabelledImages:
    """Records of one byte superclass, one byte class, and three planes of 32 x 32."""
    data = np.frombuffer(read(f"{part}.bin"), np.uint8)
    if data.size == 0 or data.size % (2 + PLANES):
        raise MediaError(f"{path}: {part}.bin must hold records of {2 + PLANES} bytes, got {data.size} bytes")
    records = data.reshape(-1, 2 + PLANES)
    try:
        fine, coarse = (read(f"{kind}_label_names.txt").decode().split() for kind in ("fine", "coarse"))
    except UnicodeDecodeError as error:
        raise MediaError(f"{path}: the names of classes are no text ({error}). {HOW_TO_GET}") from error
    return _images(part, records[:, 2:], records[:, 1], records[:, 0], (fine, coarse), path=path)


def _python(read: Callable[[str], bytes], part: str, path: Path) -> LabelledImages:
    content, meta = (_unpickle(read(name), path / name) for name in (part, "meta"))
    try:
        fine, coarse = (np.asarray(content[f"{kind}_labels"], np.uint8) for kind in ("fine", "coarse"))
        names = ([*meta["fine_label_names"]], [*meta["coarse_label_names"]])
        planes = np.asarray(content["data"], np.uint8).reshape(-1, PLANES)
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise MediaError(f"{path}: {part} and meta are not those of CIFAR-100 ({error!r}). {HOW_TO_GET}") from error
    return _images(part, planes, fine, coarse, names, path=path)


def _images(
    part: str,
    planes: np.ndarray,
    fine: np.ndarray,
    coarse: np.ndarray,
    names: tuple[list[str], list[str]],
    *,
    path: Path,
) -> LabelledImages:
    counts = len(planes), len(fine), len(coarse)
    if len(set(counts)) != 1 or (coarse >= len(names[1])).any():
        raise MediaError(
            f"{path}: each picture needs a class and one of {len(names[1])} superclasses, got {counts[0]} pictures, "
            f"{counts[1]} classes and {counts[2]} superclasses up to {int(coarse.max(initial=0))}"
        )
    superclass_of = dict(zip(fine.tolist(), coarse.tolist(), strict=True))
    return LabelledImages(
        name=f"{NAME}/{part}",
        pixels=np.ascontiguousarray(planes.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)),
        labels=fine.astype(np.int64),
        class_names=tuple(names[0]),
        superclass_names=tuple(names[1]),
        superclass_of=tuple(superclass_of.get(label, 0) for label in range(len(names[0]))),
    )


class _ArraysOnly(pickle.Unpickler):
    """Builds lists, dicts, strings, numbers and numpy arrays; a file that asks for anything else is refused."""

    ALLOWED = frozenset({("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")})

    def find_class(self, module: str, name: str) -> Any:
        """The few callables that a pickled array needs."""
        if name == "_reconstruct" and module in {"numpy.core.multiarray", "numpy._core.multiarray"}:
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]  # noqa: SLF001
        if (module, name) in self.ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} does not belong there")


def _unpickle(data: bytes, path: Path) -> dict[str, Any]:
    try:
        content = _ArraysOnly(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # an unpickler raises whatever the bytes make it do
        raise MediaError(f"{path}: not a file of CIFAR-100's Python version ({error}). {HOW_TO_GET}") from error
    if not isinstance(content, dict):
        raise MediaError(f"{path}: a dictionary is required, got {type(content).__name__}. {HOW_TO_GET}")
    return content
