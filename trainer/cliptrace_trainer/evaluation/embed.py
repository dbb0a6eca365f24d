"""Vectors of whole videos: clips spread over each video, spatial pooling, mean over clips, L2."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ..augment.apply import resample
from ..augment.resample import resampling_matrix
from ..data.clips import clip_frame_indices, spread_starts_seconds
from ..data.prepared import PreparedDataset, PreparedVideo
from ..errors import TrainerError
from ..training.views import normalise
from .retrieval import LabelledVectors, unit_rows


@dataclass(frozen=True, kw_only=True)
class EvaluationClips:
    """The clips that are embedded: `clips` of them a video, `frames` frames over `span_seconds` each.

    `crop_fraction` takes the centred part of each side (0.8 in the paper's protocol); None the whole frame.
    """

    clips: int = 10
    frames: int = 16
    span_seconds: float = 2.0
    width: int = 64
    height: int = 64
    crop_fraction: float | None = None
    mean: tuple[float, float, float] = (0.45, 0.45, 0.45)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)


@dataclass(frozen=True, kw_only=True)
class Alteration:
    """What is done to queries before they are embedded: the near-copy test of the benchmark."""

    crop_fraction: float = 0.8
    grey: bool = True
    brightness: float = 1.3


# uint8 clips [clips, T, H, W, 3] of one video -> the same.
ClipFilter = Callable[[torch.Tensor], torch.Tensor]


def video_clips(*, dataset: PreparedDataset, video: PreparedVideo, spec: EvaluationClips) -> torch.Tensor:
    """uint8 [clips, frames, H, W, 3] at the prepared size."""
    rate = dataset.frame_format.frames_per_second
    starts = spread_starts_seconds(video_seconds=video.frames / rate, span_seconds=spec.span_seconds, clips=spec.clips)
    indices = np.stack(
        [
            clip_frame_indices(
                start_seconds=start,
                span_seconds=spec.span_seconds,
                frames=spec.frames,
                video_frames=video.frames,
                frames_per_second=rate,
            )
            for start in starts
        ]
    )
    return torch.from_numpy(dataset.frames(video)[indices])


def network_input(*, clips: torch.Tensor, spec: EvaluationClips, alteration: Alteration | None = None) -> torch.Tensor:
    """uint8 [N, T, H, W, 3] -> normalised float [N, 3, T, h, w]; resized with an antialiasing filter."""
    fraction = spec.crop_fraction or 1.0
    if alteration is not None:
        fraction *= alteration.crop_fraction
    low, high = (1 - fraction) / 2, (1 + fraction) / 2
    rows = resampling_matrix(size=clips.shape[2], out=spec.height, low=low, high=high)
    columns = resampling_matrix(size=clips.shape[3], out=spec.width, low=low, high=high)
    count = len(clips)
    resized = resample(
        clips=clips,
        rows=rows.to(clips.device).expand(count, -1, -1),
        columns=columns.to(clips.device).expand(count, -1, -1),
    ).div_(255)
    if alteration is not None:
        if alteration.grey:
            luma = resized @ torch.tensor([0.299, 0.587, 0.114], device=resized.device)
            resized = luma[..., None].expand_as(resized)
        resized = (resized * alteration.brightness).clamp(0, 1)
    return normalise(clips=resized.permute(0, 4, 1, 2, 3), mean=spec.mean, std=spec.std)


@torch.no_grad()
def embed_videos(
    *,
    features: Callable[[torch.Tensor], torch.Tensor],
    dataset: PreparedDataset,
    spec: EvaluationClips,
    device: torch.device,
    keep_timesteps: bool = True,
    alteration: Alteration | None = None,
    batch_videos: int = 8,
) -> np.ndarray:
    """float32 [videos, T x D] (or [videos, D] pooled over time), unit norm.

    `features` maps normalised clips [N, 3, frames, h, w] to timestep features [N, T, D]. The mean over
    clips is taken of unit-norm clip vectors. Raises TrainerError DATASET_EMPTY, VIDEO_TRUNCATED.
    """
    if not len(dataset):
        raise TrainerError(
            "DATASET_EMPTY",
            f"no video of {dataset.folder} is left to embed; check its labels, splits and groups, "
            "and that gallery and queries share classes",
        )
    rows = []
    for videos in _parts(dataset.videos, batch_videos):
        clips = torch.cat([video_clips(dataset=dataset, video=video, spec=spec) for video in videos])
        inputs = network_input(clips=clips.to(device), spec=spec, alteration=alteration)
        timesteps = features(inputs).float()
        vectors = timesteps.flatten(1) if keep_timesteps else timesteps.mean(dim=1)
        vectors = torch.nn.functional.normalize(vectors, dim=-1)
        rows.append(vectors.reshape(len(videos), -1, vectors.shape[-1]).mean(dim=1).cpu().numpy())
    return unit_rows(np.concatenate(rows))


def labelled(*, vectors: np.ndarray, dataset: PreparedDataset) -> LabelledVectors:
    """The rows whose video has a label."""
    known = [index for index, video in enumerate(dataset.videos) if video.label is not None]
    return LabelledVectors(
        vectors=vectors[known],
        labels=tuple(dataset.videos[index].label or "" for index in known),
    )


def _parts(items: tuple[PreparedVideo, ...], size: int) -> Iterator[tuple[PreparedVideo, ...]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
