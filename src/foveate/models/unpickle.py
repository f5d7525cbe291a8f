"""Checkpoints of other libraries, read without running what they contain.

A pickle is a program: whoever opens it with `pickle.load` runs it. Here it may name nothing but what arrays and plain
containers are made of, and everything else ends the reading.
"""

import collections
import pickle  # the unpickler below admits arrays and containers only
import re
import struct
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import IO, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveate.core import WeightsError

_BROKEN = (
    AttributeError,
    EOFError,
    ImportError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    pickle.UnpicklingError,
    RecursionError,
    struct.error,
    TypeError,
    UnicodeError,
    ValueError,
)
"""What a pickle that is not one can end in."""


def read_checkpoint(path: Path | str) -> dict[str, Tensor]:
    """The named tensors of a checkpoint: a pickle of numpy arrays (`.pkl`) or a file of `torch.save` (`.pth`, `.pt`).

    Where the file holds a dictionary with an entry `model`, its content is taken. Raises `WeightsError` for a file
    that is missing or damaged, that holds anything but arrays and containers, or no named arrays.
    """
    file = Path(path)
    content = _read_torch(file) if _is_zip(file) else read_pickle(file)
    model = content.get("model", content) if isinstance(content, Mapping) else None
    if not isinstance(model, MutableMapping):
        raise WeightsError(f"{file}: a dictionary of named arrays is required, got {type(content).__name__}")
    # One by one, so that a checkpoint of gigabytes is not twice in memory.
    tensors = {str(name): _tensor(model.pop(name)) for name in list(model)}
    if not tensors or None in tensors.values():
        wrong = next((name for name, value in tensors.items() if value is None), "nothing")
        raise WeightsError(f"{file}: named arrays of numbers are required, got {wrong!r} of another kind")
    return {name: value for name, value in tensors.items() if value is not None}


def read_pickle(path: Path) -> Any:
    """What a pickle of numpy arrays, numbers, texts and containers holds; `WeightsError` for any other."""
    try:
        with path.open("rb") as file:
            return _ArraysOnly(file, encoding="latin1").load()
    except _RefusedError as error:
        raise WeightsError(f"{path}: refused, as it names {error}; only arrays and containers are read") from None
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    except _BROKEN as error:
        raise WeightsError(f"{path}: not a whole pickle of arrays ({error})") from error


class _RefusedError(Exception):
    """A pickle names something that it may not."""


def _load_buffer(unpickler: Any) -> None:
    """A buffer as the bytes that are there: the original fills memory of the length that is stated first."""
    length = int.from_bytes(unpickler.read(8), "little")
    unpickler.append(unpickler.read(length))


class _ArraysOnly(pickle._Unpickler):  # noqa: SLF001
    """An unpickler that knows a handful of names.

    In Python, not in C: there a memo of 2 ** 32 places, which six bytes ask for, would be a table of 64 GB.
    """

    dispatch: ClassVar = {**pickle._Unpickler.dispatch, pickle.BYTEARRAY8[0]: _load_buffer}  # noqa: SLF001

    def __init__(self, file: IO[bytes], *, encoding: str) -> None:
        super().__init__(file, encoding=encoding)

    def find_class(self, module: str, name: str) -> Any:
        """The object of that name if arrays and containers need it."""
        # Files name what Python 3 and numpy 2 have moved by either of its names.
        own = module.replace("numpy._core", "numpy.core").replace("__builtin__", "builtins")
        made = _ADMITTED.get((own, name))
        if made is None:
            raise _RefusedError(f"{module}.{name}")
        return made()


class _Dtype:
    """Kind, size and byte order of numbers. Stands for `numpy.dtype`, whose own state a pickle could forge."""

    def __init__(self, code: object, *_: object) -> None:
        self.code, self.order = str(code), "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = {"|": "=", "=": "=", "<": "<", ">": ">"}[state[1]]

    def numpy(self) -> np.dtype[Any]:
        """The same for numpy."""
        if re.fullmatch("[fiu][1248]|b1", self.code) is None:
            raise ValueError(f"numbers of at most 8 bytes are required, got {self.code!r}")
        return np.dtype(self.order + self.code)


class _Array:
    """An array that its state will fill. Stands for what numpy would build, of any size that a pickle asks for."""

    values: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, by_columns, content = state
        self.fill(content, dtype, shape, "F" if by_columns else "C")

    def fill(self, content: Any, dtype: _Dtype, shape: tuple[int, ...], order: Literal["C", "F"]) -> None:
        """Take the numbers that are there; `ValueError` where they are not as many as the shape says."""
        content = content.encode("latin1") if isinstance(content, str) else content
        self.values = np.frombuffer(content, dtype.numpy()).reshape(shape, order=order)


_NDARRAY = object()
"""Stands for the class `numpy.ndarray`, which a pickle names and shall not call."""


def _new_array(kind: Any, *_: Any) -> _Array:
    """How protocols before 5 begin an array."""
    if kind is not _NDARRAY:
        raise _RefusedError("an array of another class")
    return _Array()


def _from_buffer(buffer: Any, dtype: _Dtype, shape: Any, order: Any) -> _Array:
    """How protocol 5 writes an array."""
    array = _Array()
    array.fill(buffer, dtype, shape, order)
    return array


def _encode(text: str, encoding: str) -> bytes:
    """How protocols before 3 write bytes."""
    if encoding != "latin1":
        raise _RefusedError(f"_codecs.encode to {encoding}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """How protocols before 3 write no bytes at all."""
    return b""


def _fresh(function: Callable[..., Any]) -> Callable[[], Callable[..., Any]]:
    """Makes a new function each time, since a pickle can set attributes of what it is given."""

    def make() -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            return function(*arguments)

        return call

    return make


_ADMITTED: dict[tuple[str, str], Callable[[], Any]] = {
    ("_codecs", "encode"): _fresh(_encode),
    ("builtins", "bytes"): _fresh(_no_bytes),
    ("builtins", "frozenset"): lambda: frozenset,
    ("builtins", "set"): lambda: set,
    ("collections", "OrderedDict"): lambda: collections.OrderedDict,
    ("numpy", "dtype"): _fresh(_Dtype),
    ("numpy", "ndarray"): lambda: _NDARRAY,
    ("numpy.core.multiarray", "_reconstruct"): _fresh(_new_array),
    ("numpy.core.numeric", "_frombuffer"): _fresh(_from_buffer),
}
"""Everything that a pickle may name, and what makes what it gets."""


def _is_zip(path: Path) -> bool:
    """Whether a file is of the form that `torch.save` writes."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (*_BROKEN, RuntimeError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(f"{path}: torch cannot read it as weights alone ({reason})") from error


def _tensor(value: Any) -> Tensor | None:
    """A tensor of numbers, or None."""
    if isinstance(value, Tensor):
        return value
    if not isinstance(value, _Array) or value.values is None:
        return None
    return torch.from_numpy(np.array(value.values, dtype=value.values.dtype.newbyteorder("=")))
