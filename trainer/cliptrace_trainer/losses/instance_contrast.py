"""Instance contrast: two views of one video attract, views of other videos repel (Dave et al., CVIU 2022)."""

import torch

from .nt_xent import nt_xent
from .similarity import scaled_similarity


def instance_global_loss(*, global0: torch.Tensor, global1: torch.Tensor, temperature: float) -> torch.Tensor:
    """NT-Xent of the projected global clips under their two augmentations, [batch, d] each -> scalar."""
    return nt_xent(first=global0, second=global1, temperature=temperature)


def instance_local_loss(*, local0: torch.Tensor, local1: torch.Tensor, temperature: float) -> torch.Tensor:
    """NT-Xent between every two different local views of the batch, [batch, chunks, d] each -> scalar.

    A view is one (augmentation, chunk). The NT-Xent of all ordered pairs of different views is summed and
    divided by the number of chunks, as in the authors' code for 4 chunks.
    """
    batch, chunks, dimension = local0.shape
    views = torch.stack([local0, local1], dim=1).reshape(batch, 2 * chunks, dimension).transpose(0, 1)
    flat = views.reshape(2 * chunks * batch, dimension)
    similarity = scaled_similarity(flat, flat, temperature=temperature)
    # [view, video, other view, other video]
    similarity = similarity.reshape(2 * chunks, batch, 2 * chunks, batch)

    same_view = torch.diagonal(similarity, dim1=0, dim2=2).permute(2, 0, 1)
    self_match = torch.eye(batch, dtype=torch.bool, device=flat.device)
    own = same_view.masked_fill(self_match, float("-inf")).logsumexp(dim=-1)
    cross = similarity.logsumexp(dim=-1)
    positive = torch.diagonal(similarity, dim1=1, dim2=3).permute(0, 2, 1)
    # Row (view, video) in the pair with another view: its negatives are its own view's other rows and that view's.
    rows = torch.logaddexp(own.unsqueeze(-1), cross) - positive

    same = torch.eye(2 * chunks, dtype=torch.bool, device=flat.device).unsqueeze(1)
    # Each unordered pair stands twice in the sum and is a mean over 2 x batch rows: the twos cancel.
    return rows.masked_fill(same, 0.0).sum() / (batch * chunks)
