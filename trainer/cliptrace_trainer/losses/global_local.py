"""Global-local temporal contrast: a timestep of the global clip matches its own local clip."""

import torch
from torch.nn import functional

from .similarity import scaled_similarity, unit_rows


def _pool_to(rows: torch.Tensor, count: int) -> torch.Tensor:
    """[augmentations, batch, n, d] -> [augmentations, batch, count, d], unchanged when n is count already."""
    if rows.shape[-2] == count:
        return rows
    columns = unit_rows(rows).flatten(0, 1).transpose(-2, -1)
    return functional.adaptive_avg_pool1d(columns, count).transpose(-2, -1).unflatten(0, rows.shape[:2])


def global_local_loss(
    *,
    timestep0: torch.Tensor,
    timestep1: torch.Tensor,
    local0: torch.Tensor,
    local1: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """Cross-entropy (label: own chunk) over rows and columns of timestep-by-chunk similarities -> scalar.

    timestep0, timestep1: [batch, timesteps, d]; local0, local1: [batch, chunks, d]. All four pairs of
    augmentations count; the sum is divided by 2 x batch. When timesteps and chunks differ in number, the longer
    sequence is averaged (adaptively, so in equal groups where it divides) to the length of the shorter.
    """
    count = min(timestep0.shape[1], local0.shape[1])
    timesteps = _pool_to(torch.stack([timestep0, timestep1]), count)
    chunks = _pool_to(torch.stack([local0, local1]), count)
    # [augmentation of timesteps, augmentation of chunks, batch, count, count]
    similarity = scaled_similarity(timesteps.unsqueeze(1), chunks.unsqueeze(0), temperature=temperature)
    by_row = functional.log_softmax(similarity, dim=-1).diagonal(dim1=-2, dim2=-1)
    by_column = functional.log_softmax(similarity, dim=-2).diagonal(dim1=-2, dim2=-1)
    return -(by_row.sum() + by_column.sum()) / (2 * timestep0.shape[0])
