"""The augmented batches of an epoch, from a prepared dataset."""

import signal
from collections.abc import Iterator
from itertools import islice

import torch
from torch.utils.data import DataLoader

from ..data.prepared import PreparedDataset
from ..errors import TrainerError
from .ahead import ahead
from .config import TrainingConfig
from .examples import EpochBatches, RawBatch, TclrExamples, collate
from .views import AugmentedBatch, augment_batch


def augmented_batches(
    *,
    dataset: PreparedDataset,
    config: TrainingConfig,
    batches: EpochBatches,
    device: torch.device,
    workers: int,
) -> Iterator[AugmentedBatch]:
    """In the order of `batches`. Close the iterator when not all are taken."""
    loader = DataLoader(
        TclrExamples(
            dataset=dataset,
            layout=config.layout,
            ranges=config.augmentation,
            seed=config.seed,
            instance_epochs=config.instance_epochs,
            need_local_clips=config.weights.need_local_clips,
        ),
        batch_sampler=batches,
        collate_fn=collate,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        # A fixed generator: the loader's own seed must not depend on the global state.
        generator=torch.Generator().manual_seed(config.seed),
        worker_init_fn=_leave_ctrl_c_to_the_run,
    )
    changed = (augment_batch(batch=_whole(batch), config=config, device=device) for batch in loader)
    # A GPU does this on its own stream of work; a CPU has another core for it.
    return ahead(changed) if device.type == "cpu" else changed


def _whole(batch: RawBatch | TrainerError) -> RawBatch:
    if isinstance(batch, TrainerError):
        raise batch
    return batch


def _leave_ctrl_c_to_the_run(_worker: int) -> None:
    # The terminal sends it to every process; a worker that dies of it takes the run down before it has saved.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def groups(batches: Iterator[AugmentedBatch], size: int) -> Iterator[list[AugmentedBatch]]:
    """Groups of `size`; what is left at the end of an epoch makes no step."""
    while len(group := list(islice(batches, size))) == size:
        yield group


def low_rate_warning(*, dataset: PreparedDataset, config: TrainingConfig) -> str | None:
    """Says when the local clips want more frames a second than were prepared."""
    wanted = config.layout.local_frames / config.layout.local_span_seconds
    prepared = dataset.frame_format.frames_per_second
    if wanted <= prepared * 1.001:
        return None
    return (
        f"local clips want {wanted:g} frames a second, the dataset has {prepared:g}: frames will repeat; "
        f"prepare with --frames-per-second {wanted:g}, or give fewer --local-frames"
    )
