"""The smallest real training: a real backbone on clips of 16 x 16 pixels."""

from dataclasses import replace
from pathlib import Path

import torch
from cliptrace_trainer.augment import AugmentationRanges
from cliptrace_trainer.data.clips import ClipLayout
from cliptrace_trainer.data.prepared import PreparedDataset
from cliptrace_trainer.training.config import TrainingConfig
from cliptrace_trainer.training.distributed import Ranks
from cliptrace_trainer.training.options import RunOptions
from cliptrace_trainer.training.run import TrainingRun

CPU = torch.device("cpu")
ALONE = Ranks(rank=0, count=1, local_rank=0)

TINY = TrainingConfig(
    backbone="compact-r3d",
    hidden_dimension=32,
    out_dimension=16,
    layout=ClipLayout(span_seconds=1.0, global_frames=8, local_clips=2, local_frames=4),
    augmentation=AugmentationRanges(),
    width=16,
    height=16,
    batch_size=4,
    epochs=2,
    learning_rate=1e-3,
    schedule="cosine",
    warm_up_epochs=1,
    seed=3,
)


def tiny_run(
    *,
    dataset: PreparedDataset,
    out: Path,
    said: list[str] | None = None,
    options: dict | None = None,
    ranks: Ranks = ALONE,
    **changes: object,
) -> TrainingRun:
    """A run that is not yet started."""
    return TrainingRun(
        dataset=dataset,
        config=replace(TINY, **changes),
        options=RunOptions(out=out, tensorboard=False, progress_bar=False, log_every_steps=1, **(options or {})),
        device=CPU,
        ranks=ranks,
        say=(said if said is not None else []).append,
    )
