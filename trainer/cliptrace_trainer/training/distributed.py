"""Several processes, one run: start-up under torchrun, gathering, and synchronised batch norm."""

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """This process among its peers; rank 0 writes files and talks."""

    rank: int
    count: int
    local_rank: int

    @property
    def leads(self) -> bool:
        return self.rank == 0


def join_ranks(*, device_type: str) -> Ranks:
    """Join the group that torchrun describes in the environment; alone without it."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return Ranks(rank=0, count=1, local_rank=0)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device_type == "cuda" else "gloo")
    return Ranks(
        rank=dist.get_rank(),
        count=dist.get_world_size(),
        local_rank=int(os.environ.get("LOCAL_RANK", "0")),
    )


def leave_ranks() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


class _Gather(torch.autograd.Function):
    """Joins rows in the order of the ranks; backward sums the joint gradient and takes this rank's rows.

    torch.distributed.nn's all_gather passes a strided gradient to gloo as if it were contiguous, which
    gives wrong gradients without an error.
    """

    @staticmethod
    def forward(context: torch.autograd.function.FunctionCtx, rows: torch.Tensor) -> torch.Tensor:
        context.rows = rows.shape[0]
        parts = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: torch.autograd.function.FunctionCtx, gradient: torch.Tensor) -> torch.Tensor:
        joint = gradient.contiguous().clone()
        dist.all_reduce(joint)
        first = dist.get_rank() * context.rows
        return joint[first : first + context.rows]


class _Sum(torch.autograd.Function):
    """The sum over ranks; backward sums the gradients of all ranks' losses."""

    @staticmethod
    def forward(_: torch.autograd.function.FunctionCtx, values: torch.Tensor) -> torch.Tensor:
        total = values.contiguous().clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: torch.autograd.function.FunctionCtx, gradient: torch.Tensor) -> torch.Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


def gather_rows(rows: torch.Tensor) -> torch.Tensor:
    """[batch, ...] on every rank -> [ranks x batch, ...], through which gradients flow back."""
    return _Gather.apply(rows)


def mean_over_ranks(values: torch.Tensor) -> torch.Tensor:
    values = values.clone()
    dist.all_reduce(values)
    return values / dist.get_world_size()


def join_lists(items: list[str]) -> list[str]:
    """The lists of all ranks one after another, on every rank."""
    if not dist.is_initialized():
        return items
    lists: list[list[str]] = [[] for _ in range(dist.get_world_size())]
    dist.all_gather_object(lists, items)
    return [item for part in lists for item in part]


def any_rank(*, flag: bool, device: torch.device) -> bool:
    """True on every rank when it is true on one, so that all stop at the same step."""
    if not dist.is_initialized():
        return flag
    value = torch.tensor([float(flag)], device=device)
    dist.all_reduce(value)
    return bool(value.item() > 0)


def synchronise_batch_norm(model: nn.Module) -> nn.Module:
    """Replace each batch norm by one whose statistics come from all ranks, under the same names.

    torch.nn.SyncBatchNorm exists for CUDA only; this one also runs on gloo.
    """
    for name, child in model.named_children():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            setattr(model, name, SynchronisedBatchNorm.like(child))
        else:
            synchronise_batch_norm(child)
    return model


class SynchronisedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm over the joint batch of all ranks (equal batches); input [n, channels, ...]."""

    @classmethod
    def like(cls, norm: nn.modules.batchnorm._BatchNorm) -> "SynchronisedBatchNorm":
        new = cls(norm.num_features, eps=norm.eps, momentum=norm.momentum, affine=norm.affine)
        new.load_state_dict(norm.state_dict())
        return new.to(norm.weight.device) if norm.affine else new

    def _check_input_dim(self, input: torch.Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"input is {list(input.shape)}, not [n, channels, ...]")

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(input)
        axes = [axis for axis in range(input.ndim) if axis != 1]
        # Half precision loses the statistics; double stays double.
        values = input.to(torch.promote_types(input.dtype, torch.float32))
        ranks = dist.get_world_size()
        mean = _Sum.apply(values.mean(dim=axes)) / ranks
        shape = [1, -1] + [1] * (input.ndim - 2)
        centred = values - mean.view(shape)
        variance = _Sum.apply(centred.square().mean(dim=axes)) / ranks
        self._track(mean, variance, rows=ranks * input.numel() // input.shape[1])
        scale = torch.rsqrt(variance + self.eps)
        normalised = centred * (scale * self.weight).view(shape) + self.bias.view(shape)
        return normalised.to(input.dtype)

    @torch.no_grad()
    def _track(self, mean: torch.Tensor, variance: torch.Tensor, *, rows: int) -> None:
        self.num_batches_tracked.add_(1)
        unbiased = variance * rows / max(1, rows - 1)
        self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
        self.running_var.lerp_(unbiased.to(self.running_var), self.momentum)
