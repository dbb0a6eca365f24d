"""Decode every listed video once into a prepared dataset; runs again where it was stopped."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import TrainerError
from ..media import FrameFormat, decode_to
from .files import write_error, write_json
from .prepared import FAILURES_NAME, FORMAT_VERSION, INDEX_NAME, PreparedVideo
from .shards import ShardWriter
from .sources import VideoSource

FORMAT_NAME = "format.json"
# Beyond this a decoded video waits for its place in the shard on disk, not in memory.
_SPOOL_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True)
class FailedVideo:
    """A file that could not be decoded, with the error's code and message."""

    id: str
    path: str
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class PrepareSummary:
    prepared: int
    already_there: int
    failures: tuple[FailedVideo, ...]


def prepare(
    *,
    sources: Sequence[VideoSource],
    out: Path,
    frame_format: FrameFormat,
    ffmpeg: Path,
    workers: int = 2,
    decode_timeout_seconds: float = 600.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> PrepareSummary:
    """Fill `out`. Unchanged files (size and time) of an earlier run are kept, changed ones redone.

    One bad file never stops the others: it is listed in failures.json and in the summary.
    Raises TrainerError PREPARED_OTHERWISE, DISK_FULL, and NO_VIDEO_READABLE.
    """
    _claim_folder(out=out, frame_format=frame_format)
    failures: list[FailedVideo] = []
    with ShardWriter(folder=out, frame_bytes=frame_format.frame_bytes) as writer:
        waiting = [source for source in sources if not _is_stored(source, writer)]
        already_there = len(sources) - len(waiting)
        if on_progress is not None:
            on_progress(already_there, len(sources))
        decoded = _decode_ahead(
            sources=waiting,
            workers=workers,
            decode=lambda source: _decode(source, frame_format, ffmpeg, decode_timeout_seconds),
        )
        for count, (source, result) in enumerate(decoded, start=already_there + 1):
            if isinstance(result, TrainerError):
                failures.append(_failure(source, result))
            else:
                with result.content:
                    writer.append(id=source.id, **vars(result))
            if on_progress is not None:
                on_progress(count, len(sources))
        failed = {failure.id for failure in failures}
        videos = [_prepared(source, writer) for source in sources if source.id not in failed]
    write_json(path=out / FAILURES_NAME, value=[vars(failure) for failure in failures])
    if not videos:
        raise TrainerError(
            "NO_VIDEO_READABLE",
            f"none of the {len(sources)} files could be decoded; the first said: "
            f"{failures[0].message}; see {out / FAILURES_NAME}",
        )
    _write_index(out=out, frame_format=frame_format, videos=videos)
    return PrepareSummary(
        prepared=len(waiting) - len(failures),
        already_there=already_there,
        failures=tuple(failures),
    )


@dataclass(kw_only=True)
class _Decoded:
    content: BinaryIO
    frames: int
    size_bytes: int
    modified_ns: int


def _decode(source: VideoSource, frame_format: FrameFormat, ffmpeg: Path, timeout_seconds: float) -> _Decoded:
    try:
        status = source.path.stat()
    except OSError as error:
        raise TrainerError("VIDEO_MISSING", f"{source.path} cannot be opened: {error.strerror}") from error
    # Closed by whoever writes it into the shard.
    content = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115
    try:
        frames = decode_to(
            ffmpeg=ffmpeg,
            file=source.path,
            frame_format=frame_format,
            sink=content,
            timeout_seconds=timeout_seconds,
        )
    except BaseException:
        content.close()
        raise
    return _Decoded(
        content=content,
        frames=frames,
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
    )


def _decode_ahead(
    *,
    sources: Iterable[VideoSource],
    workers: int,
    decode: Callable[[VideoSource], _Decoded],
) -> Iterator[tuple[VideoSource, _Decoded | TrainerError]]:
    """Results in the order of `sources`, at most 2 x `workers` of them held at a time."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        pending: list[tuple[VideoSource, Future[_Decoded]]] = []
        for source in sources:
            pending.append((source, pool.submit(decode, source)))
            if len(pending) >= 2 * workers:
                yield _result(*pending.pop(0))
        while pending:
            yield _result(*pending.pop(0))


def _result(source: VideoSource, future: "Future[_Decoded]") -> tuple[VideoSource, _Decoded | TrainerError]:
    try:
        return source, future.result()
    except TrainerError as error:
        return source, error
    except OSError as error:
        raise write_error(path=Path(tempfile.gettempdir()), error=error) from error


def _is_stored(source: VideoSource, writer: ShardWriter) -> bool:
    row = writer.stored.get(source.id)
    if row is None or not source.path.is_file():
        return False
    status = source.path.stat()
    return (row.size_bytes, row.modified_ns) == (status.st_size, status.st_mtime_ns)


def _prepared(source: VideoSource, writer: ShardWriter) -> PreparedVideo:
    row = writer.stored[source.id]
    return PreparedVideo(
        id=source.id,
        label=source.label,
        group=source.group,
        split=source.split,
        shard=row.shard,
        offset_bytes=row.offset_bytes,
        frames=row.frames,
    )


def _failure(source: VideoSource, error: TrainerError) -> FailedVideo:
    return FailedVideo(id=source.id, path=str(source.path), code=error.code, message=error.message)


def _claim_folder(*, out: Path, frame_format: FrameFormat) -> None:
    path = out / FORMAT_NAME
    if path.is_file():
        try:
            earlier = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise TrainerError(
                "DATASET_INVALID", f"{path} cannot be read ({error}); remove {out} and prepare again"
            ) from error
        if earlier != frame_format.to_json():
            raise TrainerError(
                "PREPARED_OTHERWISE",
                f"{out} holds frames in the format {earlier}, now {frame_format.to_json()} is asked "
                "for; give another --out, or remove the folder",
            )
        return
    write_json(path=path, value=frame_format.to_json())


def _write_index(*, out: Path, frame_format: FrameFormat, videos: list[PreparedVideo]) -> None:
    index = {
        "formatVersion": FORMAT_VERSION,
        "frameFormat": frame_format.to_json(),
        "videos": [video.to_json() for video in videos],
    }
    write_json(path=out / INDEX_NAME, value=index)
