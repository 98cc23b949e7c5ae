"""Sound that nobody has confirmed hearing yet, kept where neither a crash nor an outage can take it.

Rules:

1. What `append` has taken survives the death of the process: records go to files before it returns.
2. Files lie in memory-backed storage while the line is good, so that a memory card is not worn out. `keep_on_disk`
   moves them to the state folder, where `sync` makes them survive a power cut: at most what came since the last sync
   is lost.
3. The spool is bounded in seconds and bytes. What no longer fits is the oldest sound: `append` tells of it, a
   twentieth of the spool at a time, and it is deleted once it is released, so that a crash in between reports it again.
4. Released sound is deleted: a file goes as soon as its last record is released or given up.
5. A damaged file gives what is whole in it and is set aside; where no file can be written, sound is held in memory
   under the same bound, and `problem` says so. Files are numbered without a hole, so that sound that was held in memory
   by a process that died is told as lost.

A file holds a few seconds of records: a header with a checksum over itself and the samples, then the samples.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from earmark.audio import Cause, Frame, Omitted

_HEADER = struct.Struct("<4sIQdII")
_MAGIC = b"EmS1"
_SUFFIX = ".sound"
_SEGMENT_SECONDS = 5.0
_MOST_SAMPLES = 1 << 20
_GIVEN_UP_SHARE = 0.05
_MOST_DOOMED_SHARE = 0.25


@dataclass
class _Segment:
    serial: int
    path: Path | None
    """None while it is held in memory only."""
    held: bytearray = field(default_factory=bytearray)
    size: int = 0
    seconds: float = 0.0
    records: int = 0


@dataclass(frozen=True, slots=True)
class _Record:
    segment: _Segment
    offset: int
    length: int
    rate: int
    position: int
    at: float

    @property
    def start(self) -> float:
        return self.position / self.rate

    @property
    def end(self) -> float:
        return (self.position + self.length) / self.rate

    @property
    def seconds(self) -> float:
        return self.length / self.rate


class Spool:
    """The sound between the microphone and a peer's confirmation, oldest first."""

    def __init__(self, memory: Path, disk: Path, *, seconds: float, megabytes: float, durable: bool = False) -> None:
        self._memory, self._disk = memory, disk
        self._limit_seconds, self._limit_bytes = seconds, int(megabytes * 1_000_000)
        self._durable = durable
        self._target = disk if durable else memory
        self._records: deque[_Record] = deque()
        self._doomed: deque[_Record] = deque()
        self._segments: deque[_Segment] = deque()
        self._writer: int | None = None
        self._unsynced: set[Path] = set()
        self._released = 0.0
        self._first = 0
        self._serial = 0
        self.seconds = 0.0
        self.bytes = 0
        self.bytes_written_to_disk = 0
        self.syncs = 0
        self.problem: str | None = None
        """What is wrong just now, for people."""
        self.repairs: list[str] = []
        """What was found damaged when opened, for people."""

    def open(self, released: float = 0.0) -> list[Omitted]:
        """Find what an earlier process left; tells of sound that was damaged or no longer fits.

        What lies before `released`, in seconds on the capture clock, is nobody's loss.
        """
        found: dict[int, tuple[Path, list[_Record], bool]] = {}
        for folder in (self._memory, self._disk):
            for path in sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else []:
                self._recover(path, found)
        return self._adopt(found, released)

    def _recover(self, path: Path, found: dict[int, tuple[Path, list[_Record], bool]]) -> None:
        segment = _Segment(serial=int(path.stem) if path.stem.isdigit() else -1, path=path)
        try:
            data = path.read_bytes()
        except OSError as error:
            self.repairs.append(f"{path} cannot be read ({error.strerror}); its sound is lost.")
            return
        records, whole = _parse(segment, data)
        other = found.get(segment.serial)
        if other and len(other[1]) >= len(records):
            path.unlink(missing_ok=True)
            return
        if other:
            other[0].unlink(missing_ok=True)
        found[segment.serial] = (path, records, whole)

    def _adopt(self, found: dict[int, tuple[Path, list[_Record], bool]], released: float) -> list[Omitted]:
        lost: list[Omitted] = []
        damaged, before = 0, None
        for serial in sorted(found):
            path, records, whole = found[serial]
            records = [record for record in records if not self._records or record.start >= self._records[-1].end]
            if records and self._records and (damaged or serial - 1 != before):
                lost += _between(self._records[-1], records[0])
            elif records and damaged:
                lost += _before(records[0], max(released, records[0].start - damaged * _SEGMENT_SECONDS))
            # The newest file of a killed process may well end in half a record: that is no damage to speak of.
            spoiled = serial != max(found) and not (whole and records)
            damaged, before = damaged * (not records) + spoiled, serial
            if spoiled:
                path = self._set_aside(path, records)
            if not records:
                path.unlink(missing_ok=True)
                continue
            segment = records[0].segment
            segment.path, segment.records = path, len(records)
            segment.seconds = sum(record.seconds for record in records)
            segment.size = records[-1].offset + 2 * records[-1].length
            self._segments.append(segment)
            self._records.extend(records)
        self.seconds = sum(segment.seconds for segment in self._segments)
        self.bytes = sum(segment.size for segment in self._segments)
        self._serial = max(found, default=0)
        return lost + self._trim()

    def _set_aside(self, path: Path, records: list[_Record]) -> Path:
        for old in path.parent.glob("*.damaged"):
            old.unlink(missing_ok=True)
        aside = path.with_suffix(".damaged")
        data = path.read_bytes()
        path.rename(aside)
        whole = records[-1].offset + 2 * records[-1].length if records else 0
        path.write_bytes(data[:whole])
        path.chmod(0o600)
        self.repairs.append(f"Spooled sound in {path} was damaged; what was whole is kept, the file is at {aside}.")
        return path

    # -- taking sound ---------------------------------------------------------------------------------------------

    def append(self, frame: Frame) -> list[Omitted]:
        """Take a frame; tells which older sound had to be given up for it."""
        samples = np.ascontiguousarray(frame.samples, dtype="<i2").tobytes()
        head = _HEADER.pack(_MAGIC, frame.rate, frame.position, frame.at, len(frame.samples), 0)
        record = head[:-4] + zlib.crc32(samples, zlib.crc32(head[:-4])).to_bytes(4, "little") + samples
        segment = self._write(self._segment_for(frame.seconds), record)
        offset = segment.size - len(samples)
        self._records.append(_Record(segment, offset, len(frame.samples), frame.rate, frame.position, frame.at))
        segment.seconds += frame.seconds
        segment.records += 1
        self.seconds += frame.seconds
        self.bytes += len(record)
        return self._trim()

    def _segment_for(self, seconds: float) -> _Segment:
        last = self._segments[-1] if self._segments else None
        if last and self._open_for_writing(last) and last.seconds + seconds <= _SEGMENT_SECONDS:
            return last
        self._close_writer()
        self._serial += 1
        segment = _Segment(serial=self._serial, path=self._create(self._serial))
        self._segments.append(segment)
        return segment

    def _open_for_writing(self, segment: _Segment) -> bool:
        if segment.path is None:
            return True
        return self._writer is not None and segment.path.parent == self._target

    def _create(self, serial: int) -> Path | None:
        path = self._target / f"{serial:010d}{_SUFFIX}"
        try:
            self._target.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._writer = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            self._fall_back(error)
            return None
        self.problem = None
        return path

    def _write(self, segment: _Segment, record: bytes) -> _Segment:
        if segment.path is not None and self._writer is not None:
            try:
                written = os.write(self._writer, record)
                if written < len(record):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                segment.size += len(record)
                if segment.path.parent == self._disk:
                    self._unsynced.add(segment.path)
                    self.bytes_written_to_disk += len(record)
                return segment
            except OSError as error:
                with suppress(OSError):
                    os.ftruncate(self._writer, segment.size)
                self._fall_back(error)
                if not segment.records:
                    self._delete(segment)
                segment = self._hold_in_memory()
        segment.held += record
        segment.size += len(record)
        return segment

    def _hold_in_memory(self) -> _Segment:
        self._close_writer()
        self._serial += 1
        segment = _Segment(serial=self._serial, path=None)
        self._segments.append(segment)
        return segment

    def _fall_back(self, error: OSError) -> None:
        self.problem = (
            f"Sound cannot be kept in {self._target} ({error.strerror}); it is held in memory, "
            "and would be lost if Earmark stopped. Free some space there."
        )

    # -- giving it out --------------------------------------------------------------------------------------------

    @property
    def first(self) -> int:
        """The index of the oldest record; indexes go on for ever."""
        return self._first

    @property
    def last(self) -> int:
        """One more than the index of the newest record."""
        return self._first + len(self._records)

    def starts_at(self, index: int) -> float:
        """Seconds on the capture clock at which a record begins."""
        return self._records[index - self._first].start

    def end(self) -> float | None:
        """Seconds on the capture clock at which the newest record ends."""
        return self._records[-1].end if self._records else None

    def after(self, seconds: float) -> int:
        """The index of the first record that ends after a moment on the capture clock."""
        low, high = 0, len(self._records)
        while low < high:
            middle = (low + high) // 2
            if self._records[middle].end <= seconds + 1e-9:
                low = middle + 1
            else:
                high = middle
        return self._first + low

    def frame(self, index: int) -> Frame:
        """A record as the frame it was, less what is released of it."""
        record = self._records[index - self._first]
        frame = Frame(samples=self._samples(record), rate=record.rate, position=record.position, at=record.at)
        if frame.start >= self._released:
            return frame
        return frame.part(min(len(frame.samples), round(self._released * record.rate) - record.position))

    def unreadable(self, index: int) -> Omitted:
        """A record whose sound is lost, as it is reported."""
        record = self._records[index - self._first]
        return Omitted(record.position, record.length, record.rate, record.at, Cause.SPOOL_DAMAGED)

    def span(self, index: int) -> tuple[float, float, float]:
        """Capture seconds from which to which a record goes, and the wall clock at its start."""
        record = self._records[index - self._first]
        return record.start, record.end, record.at

    def blank(self, index: int) -> None:
        """Put silence in the place of a record, in the file itself: what it held is forgotten."""
        record = self._records[index - self._first]
        segment, silence = record.segment, bytes(2 * record.length)
        head = _HEADER.pack(_MAGIC, record.rate, record.position, record.at, record.length, 0)[:-4]
        body = zlib.crc32(silence, zlib.crc32(head)).to_bytes(4, "little") + silence
        if segment.path is None:
            segment.held[record.offset - 4 : record.offset + len(silence)] = body
            return
        with suppress(FileNotFoundError), segment.path.open("r+b") as file:
            os.pwrite(file.fileno(), body, record.offset - 4)
            if segment.path.parent == self._disk:
                self._unsynced.add(segment.path)

    def anchors(self) -> Iterator[tuple[float, float]]:
        """Capture seconds and wall-clock seconds of every record."""
        for record in self._records:
            yield record.start, record.at

    def _samples(self, record: _Record) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        segment, size = record.segment, 2 * record.length
        if segment.path is None:
            data = bytes(segment.held[record.offset : record.offset + size])
        else:
            with segment.path.open("rb") as file:
                data = os.pread(file.fileno(), size, record.offset)
            if len(data) < size:
                raise OSError(f"{segment.path} is shorter than it was")
        return np.frombuffer(data, dtype="<i2").astype(np.int16)

    # -- letting go -----------------------------------------------------------------------------------------------

    def release(self, until: float) -> None:
        """Delete what was confirmed: everything before a moment on the capture clock."""
        self._released = max(self._released, until)
        while self._doomed and self._doomed[0].end <= until + 1e-9:
            self._let_go(self._doomed.popleft())
        while self._records and self._records[0].end <= until + 1e-9:
            self._let_go(self._take_first())

    def _trim(self) -> list[Omitted]:
        if self.seconds <= self._limit_seconds and self.bytes <= self._limit_bytes:
            return []
        lost: list[Omitted] = []
        share = 1 - _GIVEN_UP_SHARE
        while self.seconds > share * self._limit_seconds or self.bytes > share * self._limit_bytes:
            if len(self._records) <= 1:
                break
            record = self._take_first()
            self._doomed.append(record)
            lost.append(self._omitted(record))
        while len(self._doomed) > _MOST_DOOMED_SHARE * len(self._records):
            self._let_go(self._doomed.popleft())
        return merge(lost)

    def _omitted(self, record: _Record) -> Omitted:
        first = max(record.position, round(self._released * record.rate))
        return Omitted(
            position=first,
            length=record.position + record.length - first,
            rate=record.rate,
            at=record.at + (first - record.position) / record.rate,
            cause=Cause.SPOOL_FULL,
        )

    def _take_first(self) -> _Record:
        record = self._records.popleft()
        self._first += 1
        self.seconds = self.seconds - record.seconds if self._records else 0.0
        self.bytes -= _HEADER.size + 2 * record.length
        return record

    def _let_go(self, record: _Record) -> None:
        segment = record.segment
        segment.records -= 1
        if segment.records == 0:
            if segment is self._segments[-1]:
                self._close_writer()
            self._delete(segment)

    def _delete(self, segment: _Segment) -> None:
        self._segments.remove(segment)
        if segment.path is not None:
            self._unsynced.discard(segment.path)
            _remove(segment.path)

    # -- where it lies --------------------------------------------------------------------------------------------

    def keep_in_memory(self) -> None:
        """Write what comes to memory-backed storage; what is on disk stays there until it is released."""
        if not self._durable and self._target != self._memory:
            self._close_writer()
            self._target = self._memory

    def keep_on_disk(self) -> list[tuple[Path, Path]]:
        """Write what comes to the state folder; gives the files that must be copied there by `copy`."""
        if self._target != self._disk:
            self._close_writer()
            self._target = self._disk
        return [
            (segment.path, self._disk / segment.path.name)
            for segment in self._segments
            if segment.path is not None and segment.path.parent != self._disk
        ]

    @property
    def on_disk(self) -> bool:
        """Whether what comes goes to the state folder."""
        return self._target == self._disk

    def copy(self, old: Path, new: Path) -> bool:
        """Copy a file to the state folder for good; runs in a thread."""
        try:
            data = old.read_bytes()
            new.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                if os.write(handle, data) < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            self._fall_back(error)
            _remove(new)
            return False
        return True

    def moved(self, old: Path, new: Path) -> None:
        """Take note that `copy` has succeeded."""
        for segment in self._segments:
            if segment.path == old:
                segment.path = new
                self.bytes_written_to_disk += segment.size
                _remove(old)
                return
        _remove(new)

    def unsynced(self) -> list[Path]:
        """The files that `sync` has to see to; they count as seen to from now on."""
        paths = list(self._unsynced)
        self._unsynced.clear()
        return paths

    def sync(self, paths: list[Path]) -> None:
        """Make files in the state folder survive a power cut; runs in a thread."""
        for path in paths:
            try:
                handle = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._fall_back(error)
                continue
            try:
                os.fsync(handle)
                self.syncs += 1
            except OSError as error:
                self._fall_back(error)
                self._unsynced.add(path)
            finally:
                os.close(handle)

    def clear(self) -> None:
        """Delete everything, also what was set aside."""
        for folder in (self._memory, self._disk):
            for aside in folder.glob("*.damaged"):
                _remove(aside)
        self.release(float("inf"))
        self._released = 0.0

    def close(self) -> None:
        """Let go of the files; what is in them stays."""
        self._close_writer()
        self.sync(self.unsynced())

    def _close_writer(self) -> None:
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None


def _remove(path: Path) -> None:
    """Delete a file; one that a dying disk keeps is read again at the next start, and released again."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def merge(parts: list[Omitted]) -> list[Omitted]:
    """The same stretches with neighbours of one cause made one."""
    merged: list[Omitted] = []
    for part in parts:
        last = merged[-1] if merged else None
        if last and (last.rate, last.cause) == (part.rate, part.cause) and last.position + last.length == part.position:
            merged[-1] = Omitted(last.position, last.length + part.length, last.rate, last.at, last.cause)
        elif part.length > 0:
            merged.append(part)
    return merged


def _parse(segment: _Segment, data: bytes) -> tuple[list[_Record], bool]:
    records: list[_Record] = []
    offset = 0
    while offset < len(data):
        if len(data) - offset < _HEADER.size:
            return records, False
        magic, rate, position, at, length, checksum = _HEADER.unpack_from(data, offset)
        first = offset + _HEADER.size
        if magic != _MAGIC or not 0 < length <= _MOST_SAMPLES or not rate or first + 2 * length > len(data):
            return records, False
        if zlib.crc32(data[first : first + 2 * length], zlib.crc32(data[offset : first - 4])) != checksum:
            return records, False
        records.append(_Record(segment, first, length, rate, position, at))
        offset = first + 2 * length
    return records, True


def _between(before: _Record, after: _Record) -> list[Omitted]:
    return _before(after, before.end)


def _before(after: _Record, seconds: float) -> list[Omitted]:
    first = round(seconds * after.rate)
    if after.position <= first:
        return []
    at = after.at - (after.position - first) / after.rate
    return [Omitted(first, after.position - first, after.rate, at, Cause.SPOOL_DAMAGED)]
