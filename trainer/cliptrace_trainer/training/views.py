"""From a batch of bytes to the normalised, augmented clips that the network sees."""

from dataclasses import dataclass

import torch

from ..augment import augment_clips
from .config import TrainingConfig
from .examples import VIEWS, RawBatch


@dataclass(frozen=True, kw_only=True)
class AugmentedBatch:
    """global_clips [2B, 3, T, h, w] and local_clips [2 x B x clips, 3, T, h, w]: view, video, clip.

    local_clips is None in an epoch of instance contrast alone; `lost` names videos that could not be read.
    """

    video_ids: tuple[str, ...]
    global_clips: torch.Tensor
    local_clips: torch.Tensor | None
    lost: tuple[str, ...] = ()


def augment_batch(*, batch: RawBatch, config: TrainingConfig, device: torch.device) -> AugmentedBatch:
    """Both views of a batch. Bytes travel to the device; floats are made there."""
    # On a CPU the resampling products are worth speeding up; a GPU does not notice them.
    quick = device.type == "cpu" and config.precision == "bfloat16"
    global_clips = batch.global_clips.to(device, non_blocking=True)

    def changed(clips: torch.Tensor, augmentations: list) -> torch.Tensor:
        result = augment_clips(
            clips=clips,
            augmentations=augmentations,
            width=config.width,
            height=config.height,
            dtype=torch.bfloat16 if quick else torch.float32,
        )
        return normalise(clips=result, mean=config.mean, std=config.std)

    views = batch.augmentations
    moments = global_clips.shape[1]
    both = [changed(global_clips[:, view % moments], [video[0] for video in views[view]]) for view in range(VIEWS)]
    local = None
    if batch.local_clips is not None:
        clips = batch.local_clips.to(device, non_blocking=True).flatten(0, 1)
        local = torch.cat(
            [changed(clips, [clip for video in views[view] for clip in video[1:]]) for view in range(VIEWS)]
        )
    return AugmentedBatch(video_ids=batch.video_ids, global_clips=torch.cat(both), local_clips=local, lost=batch.lost)


def normalise(*, clips: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    """(clips - mean) / std per channel, in place; clips [N, 3, T, h, w] in [0, 1]."""
    shape = (1, 3, 1, 1, 1)
    clips.sub_(torch.tensor(mean, dtype=clips.dtype, device=clips.device).view(shape))
    return clips.div_(torch.tensor(std, dtype=clips.dtype, device=clips.device).view(shape))
