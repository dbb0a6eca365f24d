"""A prepared dataset on disk, read through memory maps."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import TrainerError
from ..media import FrameFormat

INDEX_NAME = "dataset.json"
FAILURES_NAME = "failures.json"
FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class PreparedVideo:
    """One video of a prepared dataset; label, group and split are None where unknown."""

    id: str
    label: str | None
    group: int | None
    split: str | None
    shard: str
    offset_bytes: int
    frames: int

    def to_json(self) -> dict:
        return asdict(self)


class PreparedDataset:
    """Videos and their frames. `frames(video)` is a read-only map: no byte is read before use."""

    def __init__(
        self,
        *,
        folder: Path,
        frame_format: FrameFormat,
        videos: Sequence[PreparedVideo],
        undecoded: Sequence[str] = (),
    ) -> None:
        """`undecoded`: ids of the files that `prepare` could not decode, so that they are not among `videos`."""
        self.folder = folder
        self.frame_format = frame_format
        self.videos = tuple(videos)
        self.undecoded = tuple(undecoded)
        self._maps: dict[str, np.memmap] = {}

    @classmethod
    def open(cls, folder: Path) -> "PreparedDataset":
        """Raises TrainerError DATASET_MISSING, DATASET_INVALID or DATASET_EMPTY."""
        path = folder / INDEX_NAME
        if not path.is_file():
            raise TrainerError(
                "DATASET_MISSING",
                f"{path} is missing; run `prepare --out {folder}` to its end first",
            )
        try:
            index = json.loads(path.read_text(encoding="utf-8"))
            if index["formatVersion"] != FORMAT_VERSION:
                raise ValueError(f"format version {index['formatVersion']}, not {FORMAT_VERSION}")
            dataset = cls(
                folder=folder,
                frame_format=FrameFormat(**index["frameFormat"]),
                videos=[PreparedVideo(**row) for row in index["videos"]],
                undecoded=_undecoded(folder),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise TrainerError(
                "DATASET_INVALID", f"{path} cannot be read ({error}); prepare the dataset again"
            ) from error
        dataset._check()
        return dataset

    def __len__(self) -> int:
        return len(self.videos)

    def frames(self, video: PreparedVideo) -> np.ndarray:
        """uint8 RGB [frames, height, width, 3]. Raises TrainerError VIDEO_TRUNCATED."""
        size = video.frames * self.frame_format.frame_bytes
        end = video.offset_bytes + size
        # Asked each time: reading a map beyond the end of a file that was cut meanwhile kills the process.
        if self._shard_bytes(video.shard) < end:
            raise self._truncated(video)
        content = self._map(video.shard, end)[video.offset_bytes : end]
        return content.reshape(video.frames, self.frame_format.height, self.frame_format.width, 3)

    def where(self, keep: Callable[[PreparedVideo], bool]) -> "PreparedDataset":
        """The same dataset with only the videos that `keep` accepts."""
        return self.where_in([video for video in self.videos if keep(video)])

    def where_in(self, videos: Sequence[PreparedVideo]) -> "PreparedDataset":
        return PreparedDataset(
            folder=self.folder, frame_format=self.frame_format, videos=videos, undecoded=self.undecoded
        )

    @cached_property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({video.label for video in self.videos if video.label is not None}))

    def duration_seconds(self) -> float:
        return sum(video.frames for video in self.videos) / self.frame_format.frames_per_second

    def _truncated(self, video: PreparedVideo) -> TrainerError:
        return TrainerError(
            "VIDEO_TRUNCATED",
            f"{video.id}: {self.folder / video.shard} is missing or ends before it does; "
            "run the same `prepare` again, it decodes what is not there",
        )

    def _shard_bytes(self, shard: str) -> int:
        try:
            return (self.folder / shard).stat().st_size
        except FileNotFoundError:
            return 0

    def _map(self, shard: str, end: int) -> np.memmap:
        """The shard's bytes, at least `end` of them: a map keeps the length that the file had when it was made."""
        if shard not in self._maps or self._maps[shard].size < end:
            self._maps[shard] = np.memmap(self.folder / shard, dtype=np.uint8, mode="r")
        return self._maps[shard]

    def _check(self) -> None:
        if not self.videos:
            raise TrainerError(
                "DATASET_EMPTY",
                f"{self.folder} holds no video; see failures.json there, then prepare again",
            )
        for shard in {video.shard for video in self.videos}:
            if not (self.folder / shard).is_file():
                raise TrainerError(
                    "DATASET_INVALID",
                    f"{self.folder / shard} is missing; run the same `prepare` again, it decodes what is not there",
                )

    def __getstate__(self) -> dict:
        # Worker processes map the shards themselves.
        return {**self.__dict__, "_maps": {}}


def _undecoded(folder: Path) -> list[str]:
    path = folder / FAILURES_NAME
    return [row["id"] for row in json.loads(path.read_text(encoding="utf-8"))] if path.is_file() else []
