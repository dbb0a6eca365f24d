"""The shard files: raw frames one after another, and a journal that tells what stands where."""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import TrainerError
from .files import write_error

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

    Opening a folder again cuts away what a killed run had written without a journal row.
    """

    def __init__(self, *, folder: Path, frame_bytes: int, shard_bytes: int = SHARD_BYTES) -> None:
        self._folder = folder
        self._frame_bytes = frame_bytes
        self._shard_bytes = shard_bytes
        folder.mkdir(parents=True, exist_ok=True)
        self.stored = {row.id: row for row in read_journal(folder)}
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
            self._journal.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
            self._journal.flush()
        except OSError as error:
            raise write_error(path=self._folder / row.shard, error=error) from error
        self._offset = end
        self.stored[id] = row
        return row

    def close(self) -> None:
        self._stream.close()
        self._journal.close()

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end_of_journal(self) -> tuple[int, int]:
        ends = [
            (_shard_number(row.shard), row.offset_bytes + row.frames * self._frame_bytes)
            for row in self.stored.values()
        ]
        return max(ends, default=(0, 0))

    def _open(self) -> BinaryIO:
        path = self._folder / _shard_name(self._index)
        path.touch(exist_ok=True)
        if path.stat().st_size < self._offset:
            raise TrainerError(
                "SHARD_DAMAGED",
                f"{path} has {path.stat().st_size} bytes, the journal says {self._offset}; "
                f"remove {self._folder} and prepare again",
            )
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


def _cut_last_line(path: Path, bytes_: int) -> None:
    os.truncate(path, path.stat().st_size - bytes_)


def _shard_name(index: int) -> str:
    return f"frames-{index:05d}.rgb"


def _shard_number(name: str) -> int:
    return int(name.removeprefix("frames-").removesuffix(".rgb"))
