"""Fixtures: tiny datasets made of frames or of real video files. Nothing here stands in for a part of the product."""

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from cliptrace_trainer.data.prepare import _write_index
from cliptrace_trainer.data.prepared import PreparedDataset, PreparedVideo
from cliptrace_trainer.data.shards import ShardWriter
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.media import FrameFormat, resolve_ffmpeg

MakeDataset = Callable[..., PreparedDataset]
MakeVideo = Callable[..., Path]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    # Tensors this small gain nothing from a second thread and wait for it on a busy machine.
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def ffmpeg() -> Path:
    try:
        return resolve_ffmpeg()
    except TrainerError as error:
        pytest.fail(f"these tests decode real files and need ffmpeg: {error}")


@pytest.fixture
def make_video(ffmpeg: Path) -> MakeVideo:
    """Encode a synthetic but real video file; `source` is an ffmpeg lavfi graph."""

    def make(path: Path, *, source: str, seconds: float, extra: tuple[str, ...] = ()) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        command = [str(ffmpeg), "-v", "error", "-y", "-f", "lavfi", "-i", source, "-t", str(seconds)]
        subprocess.run([*command, *extra, "-pix_fmt", "yuv420p", str(path)], check=True)
        return path

    return make


@pytest.fixture
def make_dataset(tmp_path: Path) -> MakeDataset:
    """A prepared dataset of moving colour noise: a class is a colour, a video is a seed."""

    def make(
        *,
        name: str = "prepared",
        videos: int = 8,
        classes: int = 2,
        frames: int = 20,
        size: int = 24,
        seed: int = 0,
        frames_per_second: float = 8.0,
    ) -> PreparedDataset:
        frame_format = FrameFormat(frames_per_second=frames_per_second, width=size, height=size)
        folder = tmp_path / name
        rows = []
        with ShardWriter(folder=folder, frame_bytes=frame_format.frame_bytes) as writer:
            for index in range(videos):
                label = index % classes
                content = coloured_frames(label=label, seed=seed + index, frames=frames, size=size)
                rows.append(_append(writer, content, f"class{label}/v_Class_g{index:02d}_c01.avi"))
        _write_index(out=folder, frame_format=frame_format, videos=rows)
        return PreparedDataset.open(folder)

    return make


def coloured_frames(*, label: int, seed: int, frames: int, size: int) -> np.ndarray:
    """uint8 [frames, size, size, 3]: a texture of its seed that drifts, brightest in its label's channel."""
    random = np.random.default_rng(seed)
    texture = random.integers(0, 120, (size, size, 3))
    texture[..., label % 3] += 130
    return np.stack([np.roll(texture, shift, axis=1) for shift in range(frames)]).astype(np.uint8)


def _append(writer: ShardWriter, content: np.ndarray, id: str) -> PreparedVideo:
    row = writer.append(id=id, frames=len(content), content=io.BytesIO(content.tobytes()), size_bytes=1, modified_ns=1)
    return PreparedVideo(
        id=id,
        label=id.split("/")[0],
        group=int(id.split("_g")[1][:2]),
        split=None,
        shard=row.shard,
        offset_bytes=row.offset_bytes,
        frames=row.frames,
    )
