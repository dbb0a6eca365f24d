"""Neighbour contrast: what was near before is a positive too, in the manner of CoCLR (Han et al., NeurIPS 2020)."""

import torch

from .similarity import scaled_similarity


def neighbour_loss(
    *,
    rows: torch.Tensor,
    bank: torch.Tensor,
    own: torch.Tensor,
    nearest: torch.Tensor,
    known: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """Cross-entropy of each row's similarities to a bank with the uniform distribution over its neighbours, mean.

    rows [n, d]; bank [videos, d], no gradient; own [n], the row's own place in the bank, which is neither positive
    nor negative; nearest [n, k], the places of its neighbours; known [videos], which places hold anything. Rows
    without a neighbour have -1 in `nearest` and do not count; with no neighbour at all the loss is 0.
    """
    similarity = scaled_similarity(rows, bank, temperature=temperature)
    similarity = similarity.masked_fill(~known, float("-inf")).scatter(1, own[:, None], float("-inf"))
    chosen = similarity.log_softmax(dim=1).gather(1, nearest.clamp(min=0))
    counted = nearest >= 0
    # Not a product: the unchosen may be -inf, and 0 x inf is NaN.
    return -torch.where(counted, chosen, 0.0).sum() / counted.sum().clamp(min=1)
