"""An append-only file of small records that several processes fill at once without computing anything twice.

Each record has a key. Whoever misses one takes a lock that belongs to that key alone, looks whether somebody else has
appended it meanwhile, and only then computes. Locks are advisory byte ranges (POSIX), freed when a process dies.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec

_LOCKS_AT = 1 << 40
"""Locked are bytes far behind the end: number 0 to 255 for keys, by their first byte, and one for the end itself."""
_APPENDING = 256


class Keyed(Protocol):
    """What a record must have."""

    @property
    def key(self) -> bytes:
        """At least one byte."""
        ...


RecordT = TypeVar("RecordT", bound=Keyed)


class RecordFile(Generic[RecordT]):
    """Records of one msgspec struct by key. Within a process one thread at a time."""

    def __init__(self, path: Path, kind: type[RecordT]) -> None:
        self._path, self._kind = path, kind
        self._known: dict[bytes, RecordT] = {}
        self._read_until = 0
        # One descriptor for reading, writing and locking: closing any other one would free this process's locks.
        self._file: int | None = None
        if path.is_file():
            self._catch_up()

    def get(self, key: bytes) -> RecordT | None:
        """The record, if it is known here or has been appended by another process."""
        if key not in self._known:
            self._catch_up()
        return self._known.get(key)

    def get_or_make(self, key: bytes, make: Callable[[], RecordT]) -> RecordT:
        """The record; made and appended unless it is there. Others who want this very record wait."""
        known = self._known.get(key)
        if known is not None:
            return known
        with self._locked(key[0]):
            found = self.get(key)
            return self._append(make()) if found is None else found

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _append(self, record: RecordT) -> RecordT:
        data = msgspec.msgpack.encode(record)
        with self._locked(_APPENDING):
            self._catch_up()
            # What a process that died left half-written is overwritten: nobody else is writing now.
            os.ftruncate(self._opened(), self._read_until)
            os.pwrite(self._opened(), len(data).to_bytes(4, "little") + data, self._read_until)
            self._catch_up()
        return record

    def _catch_up(self) -> None:
        """Read what stands behind the last whole record that was read."""
        if self._file is None and not self._path.is_file():
            return
        data, at = self._tail(), 0
        while at + 4 <= len(data):
            size = int.from_bytes(data[at : at + 4], "little")
            if at + 4 + size > len(data):
                break
            try:
                record = msgspec.msgpack.decode(data[at + 4 : at + 4 + size], type=self._kind)
            except msgspec.MsgspecError:
                break
            self._known[record.key] = record
            at += 4 + size
        self._read_until += at

    def _tail(self) -> bytes:
        file = self._opened()
        return os.pread(file, max(0, os.fstat(file).st_size - self._read_until), self._read_until)

    def _opened(self) -> int:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        return self._file

    @contextmanager
    def _locked(self, number: int) -> Iterator[None]:
        fcntl.lockf(self._opened(), fcntl.LOCK_EX, 1, _LOCKS_AT + number)
        try:
            yield
        finally:
            fcntl.lockf(self._opened(), fcntl.LOCK_UN, 1, _LOCKS_AT + number)
