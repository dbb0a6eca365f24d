"""Which frames make a clip."""

import numpy as np
import pytest
from cliptrace_trainer.data.clips import (
    ClipLayout,
    clip_frame_indices,
    spread_starts_seconds,
    training_clip_indices,
)
from cliptrace_trainer.data.prepare import prepare
from cliptrace_trainer.data.prepared import PreparedDataset
from cliptrace_trainer.data.sources import from_folder
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.media import FrameFormat


def test_frames_lie_at_even_times():
    indices = clip_frame_indices(start_seconds=0.5, span_seconds=2.0, frames=8, video_frames=100, frames_per_second=16)
    assert indices.tolist() == [8, 12, 16, 20, 24, 28, 32, 36]


def test_a_prepared_rate_that_is_no_multiple_takes_the_frame_shown_at_that_time():
    indices = clip_frame_indices(start_seconds=0, span_seconds=1.0, frames=4, video_frames=100, frames_per_second=10)
    assert indices.tolist() == [0, 2, 5, 7]


def test_a_short_video_is_repeated_from_its_first_frame():
    indices = clip_frame_indices(start_seconds=0, span_seconds=2.0, frames=8, video_frames=3, frames_per_second=4)
    assert indices.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


@pytest.mark.parametrize("position", [0.0, 0.37, 0.999999])
def test_local_clips_tile_the_global_span(position):
    layout = ClipLayout(span_seconds=2.0, global_frames=16, local_clips=4, local_frames=8)
    sparse, dense = training_clip_indices(layout=layout, video_frames=100, frames_per_second=16, position=position)
    # Dense at 16 a second, sparse at 8: each second dense frame is a sparse one, in order.
    assert dense.ravel().tolist() == list(range(sparse[0], sparse[0] + 32))
    assert dense.ravel()[::2].tolist() == sparse.tolist()


def test_positions_reach_both_ends_of_the_video():
    layout = ClipLayout(span_seconds=2.0, local_frames=8)
    starts = {
        int(training_clip_indices(layout=layout, video_frames=40, frames_per_second=16, position=p)[0][0])
        for p in np.linspace(0, 0.9999, 200)
    }
    assert starts == set(range(9))


def test_spread_clips_begin_at_the_start_and_end_at_the_end():
    assert spread_starts_seconds(video_seconds=10, span_seconds=2, clips=5).tolist() == [0, 2, 4, 6, 8]
    assert spread_starts_seconds(video_seconds=1, span_seconds=2, clips=3).tolist() == [0, 0, 0]
    assert spread_starts_seconds(video_seconds=10, span_seconds=2, clips=1).tolist() == [4]


def test_layouts_that_the_encoder_cannot_take_are_refused():
    with pytest.raises(TrainerError, match="local frames 6") as caught:
        ClipLayout(local_frames=6)
    assert caught.value.code == "CLIP_LAYOUT_INVALID"


def test_a_60_fps_file_gives_the_clip_of_its_30_fps_copy(tmp_path, make_video, ffmpeg):
    fast = make_video(tmp_path / "in" / "fast.mp4", source="testsrc=size=160x120:rate=60", seconds=3)
    make_video(tmp_path / "in" / "slow.mp4", source="testsrc=size=160x120:rate=30", seconds=3)
    assert fast.stat().st_size > 0
    prepare(
        sources=from_folder(root=tmp_path / "in"),
        out=tmp_path / "out",
        frame_format=FrameFormat(frames_per_second=16, width=32, height=32),
        ffmpeg=ffmpeg,
    )
    dataset = PreparedDataset.open(tmp_path / "out")
    clips = []
    for video in dataset.videos:
        sparse, _ = training_clip_indices(
            layout=ClipLayout(local_frames=8), video_frames=video.frames, frames_per_second=16, position=0.3
        )
        clips.append(dataset.frames(video)[sparse].astype(int))
    still = np.abs(clips[0] - clips[0][:1]).mean()
    # The pictures differ by the encoder's rounding and by at most one source frame (1/60 s) in time.
    assert np.abs(clips[0] - clips[1]).mean() < 0.1 * still
    assert np.abs(clips[0] - clips[1]).mean() < 2.0
