"""NT-Xent, the normalised temperature-scaled cross-entropy of SimCLR (Chen et al., 2020, equation 1)."""

import torch
from torch.nn import functional

from .similarity import scaled_similarity


def nt_xent(*, first: torch.Tensor, second: torch.Tensor, temperature: float) -> torch.Tensor:
    """Mean over the 2n rows of a pair of views; row k's positive is row k of the other view.

    first, second: [..., n, d] -> [...]: leading axes are independent problems, solved at once.
    With n = 1 there is no negative and the loss is 0.
    """
    count = first.shape[-2]
    rows = torch.cat([first, second], dim=-2)
    similarity = scaled_similarity(rows, rows, temperature=temperature)
    own = torch.eye(2 * count, dtype=torch.bool, device=rows.device)
    similarity = similarity.masked_fill(own, float("-inf"))
    positive = torch.arange(2 * count, device=rows.device).roll(count)
    log_probability = functional.log_softmax(similarity, dim=-1)
    chosen = log_probability.gather(-1, positive.expand(similarity.shape[:-1]).unsqueeze(-1))
    return -chosen.squeeze(-1).mean(dim=-1)
