"""The shard files: raw frames one after another, and a journal that tells what stands where."""

import contextlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import TrainerError
from .files import write_atomically, write_error

SHARD_BYTES = 1 << 30
JOURNAL_NAME = "journal.jsonl"


@dataclass(frozen=True, kw_only=True)
class StoredVideo:
    """Where one video's frames stand: `frames` frames from byte `offset_bytes` of `shard`."""

    id: str
    size_bytes: int
    modified_ns: int
    shard: str
    offset_bytes: int
    frames: int


class ShardWriter:
    """Appends videos to shards. A row enters the journal only after its frames are on the disk.

    Opening a folder again cuts away what a killed run had written without a journal row, and forgets the videos
    whose frames are no longer there, so that they are written anew.
    """

    def __init__(self, *, folder: Path, frame_bytes: int, shard_bytes: int = SHARD_BYTES) -> None:
        self._folder = folder
        self._frame_bytes = frame_bytes
        self._shard_bytes = shard_bytes
        folder.mkdir(parents=True, exist_ok=True)
        self.stored = self._whole_rows()
        self._index, self._offset = self._end_of_journal()
        self._stream = self._open()
        self._journal = (folder / JOURNAL_NAME).open("a", encoding="utf-8")

    def append(self, *, id: str, frames: int, content: BinaryIO, size_bytes: int, modified_ns: int) -> StoredVideo:
        """Copy `content` from its start. Raises TrainerError DISK_FULL; earlier videos stay."""
        if self._offset >= self._shard_bytes:
            self._next_shard()
        row = StoredVideo(
            id=id,
            size_bytes=size_bytes,
            modified_ns=modified_ns,
            shard=_shard_name(self._index),
            offset_bytes=self._offset,
            frames=frames,
        )
        try:
            content.seek(0)
            shutil.copyfileobj(content, self._stream, 1 << 20)
            # A file cut short may end inside a frame: only whole frames count.
            end = self._offset + frames * self._frame_bytes
            self._stream.truncate(end)
            self._stream.seek(end)
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._journal.write(_line(row))
            self._journal.flush()
        except OSError as error:
            raise write_error(path=self._folder / row.shard, error=error) from error
        self._offset = end
        self.stored[id] = row
        return row

    def close(self) -> None:
        for file in (self._stream, self._journal):
            # What a full disk refused once it refuses again here; `append` has told so.
            with contextlib.suppress(OSError):
                file.close()

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _whole_rows(self) -> dict[str, StoredVideo]:
        """The journal's rows by id, without those whose shard is missing or ends before them."""
        rows = {row.id: row for row in read_journal(self._folder)}
        sizes = {name: _size_bytes(self._folder / name) for name in {row.shard for row in rows.values()}}
        whole = {id: row for id, row in rows.items() if self._end(row) <= sizes[row.shard]}
        if len(whole) < len(rows):
            # Their places will hold other frames: no later run may find the old rows.
            text = "".join(_line(row) for row in whole.values())
            write_atomically(path=self._folder / JOURNAL_NAME, write=lambda stream: stream.write(text.encode("utf-8")))
        return whole

    def _end(self, row: StoredVideo) -> int:
        return row.offset_bytes + row.frames * self._frame_bytes

    def _end_of_journal(self) -> tuple[int, int]:
        return max(((_shard_number(row.shard), self._end(row)) for row in self.stored.values()), default=(0, 0))

    def _open(self) -> BinaryIO:
        path = self._folder / _shard_name(self._index)
        path.touch(exist_ok=True)
        stream = path.open("r+b")
        stream.truncate(self._offset)
        stream.seek(self._offset)
        return stream

    def _next_shard(self) -> None:
        self._stream.close()
        self._index, self._offset = self._index + 1, 0
        self._stream = self._open()


def read_journal(folder: Path) -> list[StoredVideo]:
    """The rows of the journal, a later row for an id in place of an earlier one."""
    path = folder / JOURNAL_NAME
    if not path.is_file():
        return []
    rows = []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(StoredVideo(**json.loads(line)))
        except (ValueError, TypeError) as error:
            if number == len(lines):
                # The last row may be half written by a killed run: cut it, decode that video again.
                _cut_last_line(path, len(line.encode("utf-8")))
                break
            raise TrainerError(
                "SHARD_DAMAGED",
                f"{path} line {number} is no journal row; remove {folder} and prepare again",
            ) from error
    return rows


def _line(row: StoredVideo) -> str:
    return json.dumps(asdict(row), ensure_ascii=False) + "\n"


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _cut_last_line(path: Path, bytes_: int) -> None:
    os.truncate(path, path.stat().st_size - bytes_)


def _shard_name(index: int) -> str:
    return f"frames-{index:05d}.rgb"


def _shard_number(name: str) -> int:
    return int(name.removeprefix("frames-").removesuffix(".rgb"))
