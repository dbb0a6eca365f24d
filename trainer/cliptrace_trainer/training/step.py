"""One optimisation step: forward, the TCLR loss, backward."""

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import nn

from ..errors import TrainerError
from ..losses import LossTerms, LossWeights, add_terms, instance_only_loss, neighbour_loss, tclr_loss
from ..model import TclrModel
from .config import TrainingConfig
from .examples import VIEWS
from .neighbours import NeighbourBank, Neighbourhood
from .views import AugmentedBatch

_REMEDY = "the last checkpoint is kept. Lower --learning-rate, or use --precision bfloat16 or float32, and --resume"
TERMS = ("total", "instance_global", "instance_local", "local_local", "global_local", "neighbour")


class TclrForward(nn.Module):
    """All projections of a batch in one forward call, which DistributedDataParallel needs."""

    def __init__(self, *, model: TclrModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, global_clips: torch.Tensor, local_clips: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Projections: global [2B, d], timesteps [2B, T, d], local [2 x B x clips, d] where there are local clips."""
        pooled, timesteps = self.model.global_clip(global_clips)
        return pooled, timesteps, None if local_clips is None else self.model.local_clip(local_clips)


def batch_loss(
    *,
    forward: Callable[..., tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]],
    clips: AugmentedBatch,
    config: TrainingConfig,
    weights: LossWeights,
    gather: Callable[[torch.Tensor], torch.Tensor] | None,
    parts: int = 1,
    bank: NeighbourBank | None = None,
) -> LossTerms:
    """The loss of one augmented batch, one of `parts` of a step, summed over the backbone's streams; the network
    runs in the configured precision. A bank remembers the batch's projections.
    """
    device = clips.global_clips.device
    with autocast(config=config, device=device):
        pooled, timesteps, local = forward(clips.global_clips, clips.local_clips)

    def by_stream(rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return rows.float().split(config.out_dimension, dim=-1)

    pooled, timesteps = by_stream(pooled), by_stream(timesteps)
    local = [None] * len(pooled) if local is None else by_stream(local)
    around = bank.around(clips.video_ids, device=device) if bank is not None and weights.neighbour else None
    losses = [
        _stream_loss(
            pooled=pooled[stream],
            timesteps=timesteps[stream],
            local=local[stream],
            config=config,
            weights=weights,
            gather=gather,
            parts=parts,
        )
        for stream in range(len(pooled))
    ]
    if around is not None:
        losses = [
            loss.with_neighbour(
                value=_neighbour_loss(rows=rows, stream=stream, around=around, config=config), weight=weights.neighbour
            )
            for stream, (loss, rows) in enumerate(zip(losses, pooled, strict=True))
        ]
    if bank is not None:
        bank.remember(videos=clips.video_ids, projections=pooled, gather=gather)
    return losses[0] if len(losses) == 1 else add_terms(losses)


def _stream_loss(
    *,
    pooled: torch.Tensor,
    timesteps: torch.Tensor,
    local: torch.Tensor | None,
    config: TrainingConfig,
    weights: LossWeights,
    gather: Callable[[torch.Tensor], torch.Tensor] | None,
    parts: int,
) -> LossTerms:
    global0, global1 = pooled.chunk(VIEWS)
    if local is None:
        return instance_only_loss(
            global0=global0,
            global1=global1,
            temperature=config.temperature,
            weight=weights.instance_global,
            gather=gather,
        )
    timestep0, timestep1 = timesteps.chunk(VIEWS)
    videos = global0.shape[0]
    local0, local1 = local.reshape(VIEWS, videos, -1, local.shape[-1])
    return tclr_loss(
        global0=global0,
        global1=global1,
        timestep0=timestep0,
        timestep1=timestep1,
        local0=local0,
        local1=local1,
        temperature=config.temperature,
        weights=weights,
        gather=gather,
        parts=parts,
    )


def _neighbour_loss(*, rows: torch.Tensor, stream: int, around: Neighbourhood, config: TrainingConfig) -> torch.Tensor:
    return neighbour_loss(
        rows=rows,
        bank=around.bank[stream],
        own=around.own.repeat(VIEWS),
        nearest=around.nearest.repeat(VIEWS, 1),
        known=around.known,
        temperature=config.temperature,
    )


def training_step(
    *,
    batches: list[AugmentedBatch],
    forward: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    config: TrainingConfig,
    weights: LossWeights,
    device: torch.device,
    gather: Callable[[torch.Tensor], torch.Tensor] | None,
    bank: NeighbourBank | None = None,
) -> torch.Tensor:
    """One optimizer step over `batches` (more than one: accumulated gradients, each with its own negatives).

    Returns the mean of each loss term, [6], in the order of TERMS. Raises TrainerError LOSS_NOT_FINITE
    or GRADIENT_NOT_FINITE before the weights change.
    """
    optimizer.zero_grad(set_to_none=True)
    sums = torch.zeros(len(TERMS), device=device)
    for position, batch in enumerate(batches):
        last = position == len(batches) - 1
        # Ranks exchange gradients once a step, not once a part of it.
        exchange = nullcontext() if last or not hasattr(forward, "no_sync") else forward.no_sync()
        with exchange:
            terms = batch_loss(
                forward=forward,
                clips=batch,
                config=config,
                weights=weights,
                gather=gather,
                parts=len(batches),
                bank=bank,
            )
            if not torch.isfinite(terms.total):
                raise _not_finite(terms, batch)
            scaler.scale(terms.total / len(batches)).backward()
        sums += torch.stack([getattr(terms, name).detach() for name in TERMS])
    if not scaler.is_enabled():
        # A scaler leaves such a step out by itself, and lowers its factor.
        _check_gradients(optimizer, batches)
    scaler.step(optimizer)
    scaler.update()
    return sums / len(batches)


def autocast(*, config: TrainingConfig, device: torch.device) -> torch.autocast:
    return torch.autocast(
        device.type,
        dtype=getattr(torch, config.precision),
        enabled=config.precision != "float32",
    )


def _check_gradients(optimizer: torch.optim.Optimizer, batches: list[AugmentedBatch]) -> None:
    gradients = [
        parameter.grad
        for group in optimizer.param_groups
        for parameter in group["params"]
        if parameter.grad is not None
    ]
    if not torch.isfinite(torch.nn.utils.get_total_norm(gradients)):
        named = ", ".join(id for batch in batches for id in batch.video_ids)
        raise TrainerError(
            "GRADIENT_NOT_FINITE",
            f"the loss is finite, but not its gradient, on the batch {named}; {_REMEDY}",
        )


def _not_finite(terms: LossTerms, batch: AugmentedBatch) -> TrainerError:
    values = ", ".join(f"{name} {getattr(terms, name).item():g}" for name in TERMS)
    return TrainerError(
        "LOSS_NOT_FINITE",
        f"the loss is not finite ({values}) on the batch {', '.join(batch.video_ids)}; {_REMEDY}",
    )
