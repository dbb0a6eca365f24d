"""Applies augmentations to a batch of clips with two matrix products and one colour matrix a clip."""

from collections.abc import Sequence

import numpy as np
import torch

from .parameters import LUMA, ClipAugmentation
from .resample import resampling_matrices


def augment_clips(
    *,
    clips: torch.Tensor,
    augmentations: Sequence[ClipAugmentation],
    width: int,
    height: int,
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """uint8 clips [N, T, H, W, 3] and one augmentation each -> float [N, 3, T, height, width] in [0, 1].

    Cropping, resizing (antialiased) and flipping are one matrix along each axis, so no frame is visited
    twice; every frame of a clip gets the same values. The result's memory is channels-last.
    """
    if clips.ndim != 5 or clips.shape[-1] != 3 or len(clips) != len(augmentations):
        raise ValueError(
            f"clips are {tuple(clips.shape)} with {len(augmentations)} augmentations, not [N, T, H, W, 3] with N"
        )
    crops = [item.crop for item in augmentations]
    rows = resampling_matrices(
        size=clips.shape[2],
        out=height,
        low=[crop[1] for crop in crops],
        high=[crop[3] for crop in crops],
        flip=[False] * len(crops),
    ).to(clips.device)
    columns = resampling_matrices(
        size=clips.shape[3],
        out=width,
        low=[crop[0] for crop in crops],
        high=[crop[2] for crop in crops],
        flip=[item.flip for item in augmentations],
    ).to(clips.device)
    resized = resample(clips=clips, rows=rows, columns=columns, dtype=dtype)
    changed = _erase(_recolour(resized, augmentations), augmentations)
    return changed.permute(0, 4, 1, 2, 3)


def resample(
    *, clips: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """uint8 [N, T, H, W, 3], rows [N, h, H], columns [N, w, W] -> float32 [N, T, h, w, 3] in [0, 255].

    `dtype` is what the products run in; bfloat16 holds every byte exactly.
    """
    count, frames, high, wide, _ = clips.shape
    out_high, out_wide = rows.shape[1], columns.shape[1]
    content = clips.to(dtype).reshape(count * frames, high, wide * 3)
    shared = rows.to(dtype)[:, None].expand(count, frames, out_high, high)
    content = torch.bmm(shared.reshape(count * frames, out_high, high), content)
    # Channels are interleaved: kron spreads each column weight over them, which beats a transposition.
    identity = torch.eye(3, dtype=columns.dtype, device=columns.device)
    spread = torch.kron(columns, identity).to(dtype).transpose(1, 2)
    content = torch.bmm(content.reshape(count, frames * out_high, wide * 3), spread)
    return content.float().reshape(count, frames, out_high, out_wide, 3)


def _recolour(clips: torch.Tensor, augmentations: Sequence[ClipAugmentation]) -> torch.Tensor:
    """[N, T, h, w, 3] in [0, 255] -> the same in [0, 1], with colour, contrast and gamma applied."""

    def vector(values: list) -> torch.Tensor:
        return torch.tensor(values, dtype=clips.dtype, device=clips.device)

    matrices = torch.from_numpy(np.stack([item.colour_matrix for item in augmentations]))
    matrices = matrices.to(clips).transpose(1, 2) / 255
    # Contrast pulls towards the clip's mean grey, one value a clip.
    mean_grey = (clips.mean(dim=(1, 2, 3)) * vector((LUMA / 255).tolist())).sum(dim=1)
    shift = (mean_grey * vector([item.mean_share for item in augmentations]))[:, None, None]
    # A dropped channel stays dropped.
    shift = shift * (matrices.abs().sum(dim=1, keepdim=True) > 0)
    coloured = torch.baddbmm(shift, clips.flatten(1, 3), matrices).clamp_(0, 1)
    gammas = vector([item.gamma for item in augmentations])[:, None, None]
    return coloured.pow_(gammas).reshape(clips.shape)


def _erase(clips: torch.Tensor, augmentations: Sequence[ClipAugmentation]) -> torch.Tensor:
    height, width = clips.shape[2:4]
    for clip, item in zip(clips, augmentations, strict=True):
        if item.erase is not None:
            left, top, right, bottom = item.erase
            clip[:, int(top * height) : int(bottom * height), int(left * width) : int(right * width)] = 0
    return clips
