"""Which frames make a clip: sampled in time, so that the frame rate of the file does not matter."""

from dataclasses import dataclass

import numpy as np

from ..errors import TrainerError


@dataclass(frozen=True, kw_only=True)
class ClipLayout:
    """The clips of one training example: a sparse global clip, and dense local clips that tile its span.

    The paper's layout is 16 global frames and 4 local clips of 16 frames; at 25 frames a second and
    stride 4 the span is 2.56 s.
    """

    span_seconds: float = 2.0
    global_frames: int = 16
    local_clips: int = 4
    local_frames: int = 16

    def __post_init__(self) -> None:
        if self.span_seconds <= 0 or min(self.global_frames, self.local_clips, self.local_frames) < 1:
            raise TrainerError("CLIP_LAYOUT_INVALID", f"{self}: every value must be above 0")
        if self.global_frames % 4 or self.local_frames % 4:
            raise TrainerError(
                "CLIP_LAYOUT_INVALID",
                f"global frames {self.global_frames}, local frames {self.local_frames}: "
                "both must be multiples of 4, the encoder's stride in time",
            )

    @property
    def local_span_seconds(self) -> float:
        return self.span_seconds / self.local_clips


def clip_frame_indices(
    *,
    start_seconds: float,
    span_seconds: float,
    frames: int,
    video_frames: int,
    frames_per_second: float,
) -> np.ndarray:
    """Indices [frames] of the prepared frames shown at `frames` evenly spaced times of
    [start_seconds, start_seconds + span_seconds).

    A video that ends earlier is repeated from its first frame (frame i of n is frame i mod n).
    """
    times = start_seconds + np.arange(frames) * (span_seconds / frames)
    # The small term keeps 0.29999999 x 10 in frame 3, where it belongs.
    indices = np.floor(times * frames_per_second + 1e-6).astype(np.int64)
    return indices % video_frames


def training_clip_indices(
    *, layout: ClipLayout, video_frames: int, frames_per_second: float, position: float
) -> tuple[np.ndarray, np.ndarray]:
    """Global indices [global_frames] and local indices [local_clips, local_frames].

    `position` in [0, 1) places the span in the video: 0 first, towards 1 last.
    """
    room_seconds = max(0.0, video_frames / frames_per_second - layout.span_seconds)
    # Starting on a prepared frame makes dense and sparse clips share frames exactly.
    start_seconds = np.floor(position * (room_seconds * frames_per_second + 1)) / frames_per_second
    start_seconds = min(start_seconds, room_seconds)

    def indices(start: float, span: float, frames: int) -> np.ndarray:
        return clip_frame_indices(
            start_seconds=start,
            span_seconds=span,
            frames=frames,
            video_frames=video_frames,
            frames_per_second=frames_per_second,
        )

    local = [
        indices(start_seconds + clip * layout.local_span_seconds, layout.local_span_seconds, layout.local_frames)
        for clip in range(layout.local_clips)
    ]
    return indices(start_seconds, layout.span_seconds, layout.global_frames), np.stack(local)


def spread_starts_seconds(*, video_seconds: float, span_seconds: float, clips: int) -> np.ndarray:
    """Start times [clips] spread evenly over the video; all 0 when it is no longer than one span."""
    last = max(0.0, video_seconds - span_seconds)
    if clips == 1:
        return np.array([last / 2])
    return np.linspace(0.0, last, clips)
