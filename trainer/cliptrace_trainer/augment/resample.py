"""Crop, antialiased resize and flip along one axis, as a matrix."""

import torch


def resampling_matrix(*, size: int, out: int, low: float = 0.0, high: float = 1.0, flip: bool = False) -> torch.Tensor:
    """float32 [out, size]: maps the pixels of [low, high) of an axis, given as fractions, to `out` pixels.

    A triangle filter as wide as one output pixel (and at least as one input pixel), so that nothing
    is skipped when shrinking; every row sums to 1, and pixels outside the crop have no weight.
    """
    start, length = low * size, (high - low) * size
    step = length / out
    centres = start + (torch.arange(out, dtype=torch.float32) + 0.5) * step
    positions = torch.arange(size, dtype=torch.float32) + 0.5
    weights = (1 - (positions[None] - centres[:, None]).abs() / max(step, 1.0)).clamp_(min=0)
    inside = (positions > start - 0.5) & (positions < start + length + 0.5)
    weights = weights * inside
    weights = weights / weights.sum(dim=1, keepdim=True)
    return weights.flip(0) if flip else weights
