"""`train`: TCLR on a prepared dataset."""

import argparse
import os
from dataclasses import replace
from pathlib import Path

import torch

from ..backbones import BACKBONE_NAMES
from ..data.prepared import PreparedDataset
from ..errors import TrainerError
from ..evaluation.development import development_evaluation
from ..evaluation.embed import EvaluationClips
from ..training.checkpoint import configuration_of, load_checkpoint
from ..training.config import PRECISIONS, PRESETS, SCHEDULES, TrainingConfig, preset
from ..training.distributed import join_ranks, leave_ranks
from ..training.options import LAST_NAME, RunOptions
from ..training.precision import best_precision
from ..training.run import TrainingRun
from ..training.step import autocast
from .arguments import (
    DatasetArgument,
    add_device,
    device_of,
    group_range,
    not_negative,
    positive_float,
    positive_int,
    probability,
    whole_number,
)

EXIT_INTERRUPTED = 130

# Flags that change a field of the configuration itself: name, type, help.
_FIELDS = (
    ("backbone", str, f"one of {', '.join(BACKBONE_NAMES)}"),
    ("width", positive_int, "pixels of a training clip"),
    ("height", positive_int, "pixels of a training clip"),
    ("batch_size", positive_int, "videos a step on each rank"),
    ("accumulation", positive_int, "batches a step, each with its own negatives"),
    ("epochs", positive_int, "last epoch; raise it to go on with a finished run"),
    ("instance_epochs", whole_number, "first epochs of instance contrast alone, on two moments of a video"),
    ("neighbour_epoch", whole_number, "first epoch of the neighbour contrast, from 0 (with --weight-neighbour)"),
    ("neighbours", positive_int, "nearest videos that count as positives"),
    ("learning_rate", positive_float, "base rate of Adam"),
    ("weight_decay", not_negative, "L2 factor of Adam"),
    ("temperature", positive_float, "of every contrast"),
    ("schedule", str, f"one of {', '.join(SCHEDULES)}"),
    ("warm_up_epochs", whole_number, "epochs until the full rate"),
    ("decay_epochs", positive_int, "last epochs of the trapezoid"),
    ("precision", str, f"one of {', '.join(PRECISIONS)}; without it, bfloat16 where the device has it"),
    ("seed", whole_number, "of weights, order, clips and augmentation"),
)
_SWITCHES = ("channels_last", "compile", "activation_checkpointing", "synchronised_batch_norm")
_LAYOUT = ("span_seconds", "global_frames", "local_clips", "local_frames")
_WEIGHTS = ("instance_global", "instance_local", "local_local", "global_local", "neighbour")
# What a resumed run may change; the rest would make its weights or its order another run's.
_CHANGEABLE = frozenset(
    {
        "epochs", "instance_epochs", "neighbour_epoch", "neighbours", "weights", "learning_rate", "weight_decay",
        "schedule", "warm_up_epochs", "decay_epochs", "precision", "compile", "channels_last",
        "activation_checkpointing", "synchronised_batch_norm", "width", "height",
    }
)  # fmt: skip


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "train",
        help="train an encoder by TCLR",
        description="Train on a prepared dataset. Ctrl-C saves; --resume goes on where the run was.",
        epilog="example: train --data prepared --out runs/first --preset compact-cpu",
    )
    parser.add_argument("--data", type=DatasetArgument.parse, required=True, help="FOLDER or FOLDER:split")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder: checkpoints and curves")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="paper")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    for name, kind, text in _FIELDS:
        parser.add_argument(_flag(name), type=kind, dest=name, help=text)
    for name in _SWITCHES:
        parser.add_argument(_flag(name), action=argparse.BooleanOptionalAction, dest=name, default=None)
    for name in _LAYOUT:
        kind = positive_float if name == "span_seconds" else positive_int
        parser.add_argument(_flag(name), type=kind, dest=name)
    for name in _WEIGHTS:
        parser.add_argument(f"--weight-{name.replace('_', '-')}", type=not_negative, dest=name, help="0 skips the term")
    parser.add_argument("--grey-probability", type=probability)
    parser.add_argument("--hold-out-groups", type=group_range, help="leave these groups out, such as 22-25")
    parser.add_argument("--workers", type=whole_number, default=0, help="processes that read frames ahead")
    parser.add_argument("--threads", type=positive_int, help="CPU threads; one is best on a busy machine")
    parser.add_argument("--save-every-seconds", type=not_negative, default=300.0)
    parser.add_argument("--log-every-steps", type=positive_int, default=10)
    parser.add_argument("--stop-after-steps", type=positive_int, help="save and end at this step")
    parser.add_argument("--evaluate-queries", type=DatasetArgument.parse, help="labelled development set")
    parser.add_argument("--evaluate-gallery", type=DatasetArgument.parse, help="what those queries search")
    parser.add_argument("--evaluate-every-epochs", type=positive_int, default=5)
    parser.add_argument("--evaluate-size", type=positive_int, help="pixels of an evaluation clip")
    parser.add_argument("--tensorboard", action=argparse.BooleanOptionalAction, default=True)
    add_device(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    device = _device(arguments)
    ranks = join_ranks(device_type=device.type)
    try:
        last = arguments.out / LAST_NAME
        _check_folder(last=last, resume=arguments.resume)
        config = _configuration(arguments, last, device)
        dataset = _without_groups(arguments.data.open(), arguments.hold_out_groups)
        training = TrainingRun(
            dataset=dataset,
            config=config,
            options=_options(arguments),
            device=device,
            ranks=ranks,
            evaluate=_evaluation(arguments, config, device),
        )
        if arguments.resume:
            training.resume(last)
        result = training.train()
    finally:
        leave_ranks()
    if ranks.leads:
        done = "finished" if result.finished else "stopped"
        print(f"{done} after {result.progress.step} steps, {result.progress.epoch} epochs: {result.checkpoint}")
    stopped_as_asked = arguments.stop_after_steps and result.progress.step >= arguments.stop_after_steps
    return 0 if result.finished or stopped_as_asked else EXIT_INTERRUPTED


def configuration_changes(arguments: argparse.Namespace) -> dict:
    """The fields that were given on the command line; nested ones under their group's name."""
    given = {name: getattr(arguments, name) for name, _, _ in _FIELDS if getattr(arguments, name) is not None}
    given |= {name: getattr(arguments, name) for name in _SWITCHES if getattr(arguments, name) is not None}
    groups = {
        "layout": {name: getattr(arguments, name) for name in _LAYOUT},
        "weights": {name: getattr(arguments, name) for name in _WEIGHTS},
        "augmentation": {"grey_probability": arguments.grey_probability},
    }
    for group, values in groups.items():
        values = {name: value for name, value in values.items() if value is not None}
        if values:
            given[group] = values
    return given


def apply_changes(config: TrainingConfig, changes: dict) -> TrainingConfig:
    plain = {name: value for name, value in changes.items() if not isinstance(value, dict)}
    nested = {
        name: replace(getattr(config, name), **value) for name, value in changes.items() if isinstance(value, dict)
    }
    return replace(config, **plain, **nested)


def _configuration(arguments: argparse.Namespace, last: Path, device: torch.device) -> TrainingConfig:
    changes = configuration_changes(arguments)
    if not arguments.resume:
        config = apply_changes(preset(name=arguments.preset), changes)
        if not any(getattr(config.weights, name) for name in _WEIGHTS):
            raise TrainerError("CONFIGURATION_INVALID", "every loss term has weight 0; give at least one above 0")
        return (
            config
            if "precision" in changes
            else replace(config, precision=best_precision(config=config, device=device))
        )
    stored = configuration_of(load_checkpoint(last), path=last)
    wanted = apply_changes(stored, changes)
    if wanted.backbone != stored.backbone:
        raise TrainerError(
            "CHECKPOINT_OTHER_ARCHITECTURE",
            f"{last} was trained with {stored.backbone}, --backbone asks for {wanted.backbone}; "
            "leave the flag away, or give another --out",
        )
    differing = sorted(
        name for name in changes if name not in _CHANGEABLE and getattr(wanted, name) != getattr(stored, name)
    )
    if differing:
        raise TrainerError(
            "RESUME_CHANGED",
            f"{', '.join(differing)} cannot change in a resumed run ({last} has "
            f"{', '.join(repr(getattr(stored, name)) for name in differing)}); start a new --out",
        )
    return wanted


def _check_folder(*, last: Path, resume: bool) -> None:
    if resume and not last.is_file():
        raise TrainerError("CHECKPOINT_MISSING", f"{last} is missing; leave --resume away to start a run there")
    if not resume and last.exists():
        raise TrainerError(
            "RUN_EXISTS", f"{last} holds a run already; add --resume to go on with it, or give another --out"
        )


def _without_groups(dataset: PreparedDataset, held_out: tuple[int, int] | None) -> PreparedDataset:
    if held_out is None:
        return dataset
    low, high = held_out
    kept = dataset.where(lambda video: video.group is None or not low <= video.group <= high)
    if not len(kept):
        raise TrainerError(
            "GROUPS_EMPTY", f"all videos of {dataset.folder} are of groups {low} to {high}; hold out fewer"
        )
    return kept


def _options(arguments: argparse.Namespace) -> RunOptions:
    return RunOptions(
        out=arguments.out,
        workers=arguments.workers,
        save_every_seconds=arguments.save_every_seconds,
        log_every_steps=arguments.log_every_steps,
        evaluate_every_epochs=arguments.evaluate_every_epochs,
        stop_after_steps=arguments.stop_after_steps,
        tensorboard=arguments.tensorboard,
    )


def _evaluation(arguments: argparse.Namespace, config: TrainingConfig, device: torch.device) -> object:
    if (arguments.evaluate_queries is None) != (arguments.evaluate_gallery is None):
        raise TrainerError("ARGUMENT_MISSING", "give --evaluate-queries and --evaluate-gallery together, or neither")
    if arguments.evaluate_queries is None:
        return None
    spec = EvaluationClips(
        clips=2,
        frames=config.layout.global_frames,
        span_seconds=config.layout.span_seconds,
        width=arguments.evaluate_size or config.width,
        height=arguments.evaluate_size or config.height,
        mean=config.mean,
        std=config.std,
    )
    queries = arguments.evaluate_queries.open()
    labels = set(queries.labels)
    # Only videos of the queries' classes can be right or wrong answers.
    gallery = arguments.evaluate_gallery.open().where(lambda video: video.label in labels)
    # Told now, not after the first epochs.
    if not labels or not len(gallery):
        raise TrainerError(
            "RETRIEVAL_EMPTY",
            f"the queries have {len(labels)} classes, the gallery {len(gallery)} videos of them; "
            "give sets with labels, and with the same ones",
        )
    return development_evaluation(
        gallery=gallery,
        queries=queries,
        spec=spec,
        device=device,
        autocast=lambda: autocast(config=config, device=device),
    )


def _device(arguments: argparse.Namespace) -> torch.device:
    device = device_of(arguments.device)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", device.index or 0)))
        torch.cuda.set_device(device)
    return device


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
