"""Decode a video file to RGB frames of one size at one rate, with the indexer's ffmpeg command."""

import subprocess
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import TrainerError

_CHUNK_BYTES = 1 << 20
_STDERR_SHOWN_CHARACTERS = 300


@dataclass(frozen=True, kw_only=True)
class FrameFormat:
    """Size, rate and crop of decoded frames.

    `crop_fraction` None stretches the full frame; a number takes the centred square whose side is
    that fraction of the shorter side.
    """

    frames_per_second: float
    width: int
    height: int
    crop_fraction: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.frames_per_second <= 1000:
            raise TrainerError(
                "FRAME_FORMAT_INVALID",
                f"frames per second is {self.frames_per_second}; give more than 0, at most 1000",
            )
        for name in ("width", "height"):
            value = getattr(self, name)
            if not 1 <= value <= 4096:
                raise TrainerError("FRAME_FORMAT_INVALID", f"{name} is {value}; give 1 to 4096")
        if self.crop_fraction is not None and not 0 < self.crop_fraction <= 1:
            raise TrainerError(
                "FRAME_FORMAT_INVALID",
                f"crop fraction is {self.crop_fraction}; give more than 0, at most 1",
            )

    @property
    def frame_bytes(self) -> int:
        return self.width * self.height * 3

    def to_json(self) -> dict:
        return asdict(self)


def decode_command(*, ffmpeg: Path, file: Path, frame_format: FrameFormat) -> list[str]:
    """The argument list; frames are sampled in time, so the file's own rate does not matter.

    `0:V:0` passes over cover pictures.
    """
    rate = f"{frame_format.frames_per_second:g}"
    filters = [f"fps={rate}"]
    if frame_format.crop_fraction is not None:
        side = f"min(iw\\,ih)*{frame_format.crop_fraction:g}"
        filters.append(f"crop={side}:{side}")
    filters.append(f"scale={frame_format.width}:{frame_format.height}:flags=area")
    filters.append("format=rgb24")
    return [
        str(ffmpeg), "-nostdin", "-hide_banner", "-loglevel", "error",
        "-protocol_whitelist", "file,pipe",
        "-i", _safe_path(file),
        "-map", "0:V:0", "-an", "-sn", "-dn",
        "-vf", ",".join(filters),
        "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1",
    ]  # fmt: skip


def decode_to(*, ffmpeg: Path, file: Path, frame_format: FrameFormat, sink: BinaryIO, timeout_seconds: float) -> int:
    """Write the file's frames, [frames, height, width, 3] RGB bytes, to `sink`; return the count.

    Raises TrainerError VIDEO_UNREADABLE, VIDEO_EMPTY or DECODE_TIMEOUT. A file that breaks off
    after some frames keeps them, as in the indexer.
    """
    command = decode_command(ffmpeg=ffmpeg, file=file, frame_format=frame_format)
    with tempfile.TemporaryFile() as stderr:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr) as process:
            timer = _KillAfter(process=process, seconds=timeout_seconds)
            with timer:
                written = _copy(process.stdout, sink)
                status = process.wait()
        if timer.expired:
            raise TrainerError(
                "DECODE_TIMEOUT",
                f"{file} was still decoding after {timeout_seconds:g} s; "
                "raise --decode-timeout-seconds or leave the file out",
            )
        stderr.seek(0)
        said = stderr.read().decode("utf-8", "replace")
    frames = written // frame_format.frame_bytes
    if frames == 0:
        code = "VIDEO_UNREADABLE" if status != 0 else "VIDEO_EMPTY"
        raise TrainerError(code, f"{file} gave no video frame: {_reason(said)}")
    return frames


def _reason(said: str) -> str:
    if "matches no streams" in said:
        return "it has no video track"
    return "; ".join(said.split("\n"))[:_STDERR_SHOWN_CHARACTERS].strip("; ") or "ffmpeg said nothing"


def _copy(source: BinaryIO, sink: BinaryIO) -> int:
    written = 0
    while chunk := source.read(_CHUNK_BYTES):
        sink.write(chunk)
        written += len(chunk)
    return written


def _safe_path(file: Path) -> str:
    # A leading dash would read as an option, "name:" as a protocol.
    return str(file if file.is_absolute() else Path.cwd() / file)


class _KillAfter:
    """Kills the process when the time is over; `expired` tells whether that happened."""

    def __init__(self, *, process: subprocess.Popen, seconds: float) -> None:
        self.expired = False
        self._process = process
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def _expire(self) -> None:
        self.expired = True
        self._process.kill()

    def __enter__(self) -> "_KillAfter":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._process.poll() is None:
            self._process.kill()
