"""Local-local temporal contrast: chunks of one video repel each other (Dave et al., CVIU 2022)."""

import torch

from .nt_xent import nt_xent


def local_local_loss(*, local0: torch.Tensor, local1: torch.Tensor, temperature: float) -> torch.Tensor:
    """NT-Xent over the chunks of each video, summed over the batch; [batch, chunks, d] each -> scalar."""
    return nt_xent(first=local0, second=local1, temperature=temperature).sum()
