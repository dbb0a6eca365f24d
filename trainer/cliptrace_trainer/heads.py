"""The projection head between features and the contrastive losses."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional


class ProjectionHead(nn.Module):
    """Linear, batch norm, ReLU, linear without bias, batch norm, L2 (512-512-128 in the TCLR paper).

    forward: features [rows, in_dimension] -> unit-norm projections [rows, out_dimension].
    The parameter names are those of the authors' checkpoints.
    """

    def __init__(self, *, in_dimension: int, hidden_dimension: int = 512, out_dimension: int = 128) -> None:
        super().__init__()
        self.in_dimension = in_dimension
        self.out_dimension = out_dimension
        self.fc1 = nn.Linear(in_dimension, hidden_dimension)
        self.bn1 = nn.BatchNorm1d(hidden_dimension)
        self.bn2 = nn.BatchNorm1d(out_dimension)
        self.fc2 = nn.Linear(hidden_dimension, out_dimension, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.bn1(self.fc1(features)))
        # float32: a bfloat16 norm is off by up to 0.4 %, which the temperature multiplies by ten.
        return functional.normalize(self.bn2(self.fc2(hidden)).float(), dim=-1)


class StreamHeads(nn.Module):
    """A projection head for each stream of a backbone.

    forward: features [rows, sum of dimensions] -> [rows, streams x out_dimension], each stream's part unit norm.
    """

    def __init__(self, *, dimensions: Sequence[int], hidden_dimension: int = 512, out_dimension: int = 128) -> None:
        super().__init__()
        self.dimensions = tuple(dimensions)
        self.heads = nn.ModuleList(
            ProjectionHead(in_dimension=size, hidden_dimension=hidden_dimension, out_dimension=out_dimension)
            for size in dimensions
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        parts = features.split(self.dimensions, dim=-1)
        return torch.cat([head(part) for head, part in zip(self.heads, parts, strict=True)], dim=-1)
