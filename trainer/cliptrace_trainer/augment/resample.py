"""Crop, antialiased resize and flip along one axis, as a matrix."""

from collections.abc import Sequence

import torch


def resampling_matrix(*, size: int, out: int, low: float = 0.0, high: float = 1.0, flip: bool = False) -> torch.Tensor:
    """float32 [out, size]: maps the pixels of [low, high) of an axis, given as fractions, to `out` pixels.

    A triangle filter as wide as one output pixel (and at least as one input pixel), so that nothing
    is skipped when shrinking; every row sums to 1, and pixels outside the crop have no weight.
    """
    return resampling_matrices(size=size, out=out, low=[low], high=[high], flip=[flip])[0]


def resampling_matrices(
    *, size: int, out: int, low: Sequence[float], high: Sequence[float], flip: Sequence[bool]
) -> torch.Tensor:
    """float32 [N, out, size]: one matrix for each of N crops."""
    start = torch.tensor(low, dtype=torch.float32)[:, None] * size
    length = torch.tensor(high, dtype=torch.float32)[:, None] * size - start
    step = length / out
    centres = start + (torch.arange(out, dtype=torch.float32) + 0.5) * step
    positions = torch.arange(size, dtype=torch.float32) + 0.5
    inside = (positions > start - 0.5) & (positions < start + length + 0.5)
    distances = (positions - centres[:, :, None]).abs() / step.clamp(min=1.0)[:, :, None]
    weights = (1 - distances).clamp_(min=0) * inside[:, None]
    weights /= weights.sum(dim=2, keepdim=True)
    mirrored = torch.tensor(flip)[:, None, None]
    return torch.where(mirrored, weights.flip(1), weights)
