"""The TCLR loss: the weighted sum of its four contrasts (Dave et al., CVIU 2022)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import torch

from ..errors import TrainerError
from .global_local import global_local_loss
from .instance_contrast import instance_global_loss, instance_local_loss
from .local_local import local_local_loss

Gather = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Factor of each term in the total; a term with weight 0 is not computed. The paper has no neighbour term."""

    instance_global: float = 1.0
    instance_local: float = 1.0
    local_local: float = 1.0
    global_local: float = 1.0
    neighbour: float = 0.0

    @property
    def need_local_clips(self) -> bool:
        return bool(self.instance_local or self.local_local or self.global_local)


@dataclass(frozen=True, kw_only=True)
class LossTerms:
    """Scalar tensors. Each term is unweighted (a term of weight 0 reads 0); total is the weighted sum."""

    instance_global: torch.Tensor
    instance_local: torch.Tensor
    local_local: torch.Tensor
    global_local: torch.Tensor
    neighbour: torch.Tensor
    total: torch.Tensor

    def with_neighbour(self, *, value: torch.Tensor, weight: float) -> "LossTerms":
        return replace(self, neighbour=value, total=self.total + weight * value)


def add_terms(losses: Sequence[LossTerms]) -> LossTerms:
    """Each term summed over several losses."""
    return LossTerms(
        **{item.name: torch.stack([getattr(loss, item.name) for loss in losses]).sum() for item in fields(LossTerms)}
    )


def _check_shapes(
    global0: torch.Tensor,
    global1: torch.Tensor,
    timestep0: torch.Tensor,
    timestep1: torch.Tensor,
    local0: torch.Tensor,
    local1: torch.Tensor,
) -> None:
    shapes = {
        "global0": global0.shape,
        "global1": global1.shape,
        "timestep0": timestep0.shape,
        "timestep1": timestep1.shape,
        "local0": local0.shape,
        "local1": local1.shape,
    }
    batch, dimension = global0.shape[0], global0.shape[-1]
    right = (
        global0.ndim == 2
        and timestep0.ndim == 3
        and local0.ndim == 3
        and global0.shape == global1.shape
        and timestep0.shape == timestep1.shape
        and local0.shape == local1.shape
        and all(shape[0] == batch and shape[-1] == dimension and 0 not in shape for shape in shapes.values())
    )
    if not right:
        listed = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
        raise TrainerError(
            "LOSS_SHAPES",
            f"got {listed}; give global [batch, d], timestep [batch, timesteps, d] and local [batch, chunks, d], "
            "each alike under both augmentations and none empty",
        )


def tclr_loss(
    *,
    global0: torch.Tensor,
    global1: torch.Tensor,
    timestep0: torch.Tensor,
    timestep1: torch.Tensor,
    local0: torch.Tensor,
    local1: torch.Tensor,
    temperature: float = 0.1,
    weights: LossWeights | None = None,
    gather: Gather | None = None,
    parts: int = 1,
) -> LossTerms:
    """All four contrasts of one batch.

    Shapes: global [batch, d] (the projected sparse clip), timestep [batch, timesteps, d] (its projected
    timesteps), local [batch, chunks, d] (the projected dense clips), each under augmentation 0 and 1. Rows need
    not be unit norm: similarities are cosines, computed in float32 under autocast.

    `gather` joins the equal batches of several ranks, [batch, ...] -> [ranks x batch, ...], and its backward must
    sum over the ranks (torch.distributed.nn.functional.all_gather does). Every rank then computes the instance
    terms of the joint batch; local_local, a sum over videos, is multiplied by the number of ranks; global_local is
    a mean already. So for each term, value and gradient of the joint batch are the *mean* over the ranks, and that
    is what DistributedDataParallel takes of the gradients. Average the terms over the ranks to log them.

    `parts` is the number of equal batches whose mean makes one step (gradient accumulation); local_local is
    multiplied by it too. The mean over the parts is then the joint batch's for both temporal terms; an instance
    term sees the negatives of its own part.

    Raises TrainerError LOSS_SHAPES, LOSS_TEMPERATURE.
    """
    _check_shapes(global0, global1, timestep0, timestep1, local0, local1)
    if not temperature > 0:
        raise TrainerError("LOSS_TEMPERATURE", f"temperature is {temperature}; it must be above 0 (the paper: 0.1)")
    weights = weights or LossWeights()
    zero = torch.zeros((), dtype=torch.promote_types(global0.dtype, torch.float32), device=global0.device)
    join = gather or _alone

    instance_global = instance_local = local_local = global_local = zero
    if weights.instance_global:
        instance_global = instance_global_loss(global0=join(global0), global1=join(global1), temperature=temperature)
    if weights.instance_local:
        instance_local = instance_local_loss(local0=join(local0), local1=join(local1), temperature=temperature)
    if weights.local_local:
        ranks = join(global0.detach()[:, :1].contiguous()).shape[0] // global0.shape[0]
        local_local = parts * ranks * local_local_loss(local0=local0, local1=local1, temperature=temperature)
    if weights.global_local:
        global_local = global_local_loss(
            timestep0=timestep0, timestep1=timestep1, local0=local0, local1=local1, temperature=temperature
        )
    total = (
        weights.instance_global * instance_global
        + weights.instance_local * instance_local
        + weights.local_local * local_local
        + weights.global_local * global_local
    )
    return LossTerms(
        instance_global=instance_global,
        instance_local=instance_local,
        local_local=local_local,
        global_local=global_local,
        neighbour=zero,
        total=total,
    )


def instance_only_loss(
    *,
    global0: torch.Tensor,
    global1: torch.Tensor,
    temperature: float = 0.1,
    weight: float = 1.0,
    gather: Gather | None = None,
) -> LossTerms:
    """Instance contrast of global clips alone, [batch, d] under each augmentation; `gather` as in tclr_loss."""
    join = gather or _alone
    value = instance_global_loss(global0=join(global0), global1=join(global1), temperature=temperature)
    zero = torch.zeros_like(value)
    return LossTerms(
        instance_global=value,
        instance_local=zero,
        local_local=zero,
        global_local=zero,
        neighbour=zero,
        total=weight * value,
    )


def _alone(rows: torch.Tensor) -> torch.Tensor:
    return rows
