"""`ablation`: what each loss term adds, from runs of equal length, beside random weights and a colour histogram."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch

from ..backbones import BACKBONE_NAMES
from ..data.prepared import PreparedDataset
from ..evaluation.encoders import encoder_from_checkpoint, random_encoder
from ..evaluation.protocols import Embedder, evaluation_clips, histogram_retrieval, retrieval
from ..losses import LossWeights
from ..training.checkpoint import load_checkpoint
from ..training.config import PRECISIONS, PRESETS, TrainingConfig, preset
from ..training.distributed import Ranks
from ..training.options import LAST_NAME, RunOptions
from ..training.precision import best_precision
from ..training.run import TrainingRun
from .arguments import DatasetArgument, add_device, device_of, positive_int
from .report import print_recalls

_CHANGES = ("backbone", "precision", "width", "height", "batch_size")

STEPS: dict[str, LossWeights] = {
    "instance contrast": LossWeights(local_local=0.0, global_local=0.0),
    "+ local-local": LossWeights(global_local=0.0),
    "+ global-local (TCLR)": LossWeights(),
}


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "ablation",
        help="short equal runs with and without each loss term",
        description="Trains three runs in --out, one after another; a stopped ablation goes on where it was.",
        epilog="example: ablation --data train --gallery train --queries dev --out runs/ablation --epochs 10",
    )
    parser.add_argument("--data", type=DatasetArgument.parse, required=True)
    parser.add_argument("--gallery", type=DatasetArgument.parse, required=True)
    parser.add_argument("--queries", type=DatasetArgument.parse, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="compact-cpu")
    parser.add_argument("--backbone", choices=BACKBONE_NAMES, help="the preset's without it")
    parser.add_argument("--precision", choices=PRECISIONS, help="the preset's without it")
    parser.add_argument("--epochs", type=positive_int, default=10)
    parser.add_argument("--width", type=positive_int, help="pixels of a training clip")
    parser.add_argument("--height", type=positive_int, help="pixels of a training clip")
    parser.add_argument("--batch-size", type=positive_int)
    parser.add_argument("--size", type=positive_int, help="pixels of an evaluation clip")
    parser.add_argument("--clips", type=positive_int, default=3, help="clips spread over each video")
    parser.add_argument("--threads", type=positive_int)
    parser.add_argument("--json", action="store_true")
    add_device(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    device = device_of(arguments.device)
    dataset, queries = arguments.data.open(), arguments.queries.open()
    labels = set(queries.labels)
    gallery = arguments.gallery.open().where(lambda video: video.label in labels)
    changes = {name: getattr(arguments, name) for name in _CHANGES}
    changes = {name: value for name, value in changes.items() if value is not None}
    config = preset(name=arguments.preset, epochs=arguments.epochs, **changes)
    config = replace(config, precision=best_precision(config=config, device=device))

    untrained = random_encoder(config=config, device=device)
    spec = evaluation_clips(encoder=untrained, clips=arguments.clips, size=arguments.size)

    def measure(encoder: object) -> dict[str, dict[int, float]]:
        embedder = Embedder(encoder=encoder, spec=spec, device=device, keep_timesteps=False)
        return retrieval(embedder=embedder, gallery=gallery, queries=queries)

    rows = {
        "colour histogram": histogram_retrieval(spec=spec, gallery=gallery, queries=queries),
        "random weights": measure(untrained),
    }
    for name, weights in STEPS.items():
        out = arguments.out / "".join(letter for letter in name if letter.isalnum())
        last = _train(dataset=dataset, config=replace(config, weights=weights), out=out, device=device)
        if last is None:
            print(f"stopped in {out}; the same command goes on with it", file=sys.stderr)
            return 130
        rows[name] = measure(encoder_from_checkpoint(path=last, device=device))
    print_recalls(rows=rows, as_json=arguments.json)
    return 0


def _train(*, dataset: PreparedDataset, config: TrainingConfig, out: Path, device: torch.device) -> Path | None:
    """The last checkpoint of a finished run, or None when it was stopped."""
    last = out / LAST_NAME
    if last.is_file() and load_checkpoint(last)["progress"]["epoch"] >= config.epochs:
        return last
    training = TrainingRun(
        dataset=dataset,
        config=config,
        options=RunOptions(out=out),
        device=device,
        ranks=Ranks(rank=0, count=1, local_rank=0),
        # Standard output is for the table.
        say=lambda line: print(line, file=sys.stderr),
    )
    if last.is_file():
        training.resume(last)
    return last if training.train().finished else None
