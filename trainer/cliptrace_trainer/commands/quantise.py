"""`quantise`: the int8 variant of an exported encoder, with its speed, agreement and recall beside float32's."""

import argparse
from pathlib import Path

import numpy as np

from ..errors import TrainerError
from ..evaluation.retrieval import as_columns
from ..export.encoder import INT8_FILE, MODEL_FILE
from ..export.int8 import add_variant_figures, quantise_encoder
from ..export.served import ServedClips, sample_clips, served_recall
from .arguments import DatasetArgument, positive_int


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "quantise",
        help="add an int8 variant to an exported encoder",
        epilog="example: quantise --model index/models/mine --calibrate-on train --gallery train --queries dev",
    )
    parser.add_argument("--model", type=Path, required=True, help="the encoder folder")
    parser.add_argument(
        "--calibrate-on",
        type=DatasetArgument.parse,
        required=True,
        help="prepared training data",
    )
    parser.add_argument("--calibration-clips", type=positive_int, default=256)
    parser.add_argument("--comparison-clips", type=positive_int, default=128)
    parser.add_argument("--gallery", type=DatasetArgument.parse, help="measure recall too: the gallery")
    parser.add_argument("--queries", type=DatasetArgument.parse, help="and the queries")
    parser.add_argument("--clips", type=positive_int, default=4, help="clips a video when recall is measured")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if (arguments.gallery is None) != (arguments.queries is None):
        raise TrainerError("ARGUMENTS", "recall needs both --gallery and --queries; give the other one too")
    folder: Path = arguments.model
    served = ServedClips.of_model(folder, clips=arguments.clips)
    calibration, comparison = _clips(arguments, served)
    manifest = quantise_encoder(model_dir=folder, calibration_clips=calibration, comparison_clips=comparison)
    if arguments.gallery is not None:
        gallery, queries = arguments.gallery.open(), arguments.queries.open()
        figures = {}
        for key, file in (("recall", INT8_FILE), ("float32Recall", MODEL_FILE)):
            recalls = served_recall(model=folder / file, served=served, gallery=gallery, queries=queries)
            figures[key] = {name: _rounded(as_columns(values)) for name, values in recalls.items()}
        manifest = add_variant_figures(model_dir=folder, figures=figures)
    for name, value in manifest["variants"][-1]["measured"].items():
        print(f"{name}: {value}")
    return 0


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in figures.items()}


def _clips(arguments: argparse.Namespace, served: ServedClips) -> tuple[np.ndarray, np.ndarray]:
    dataset = arguments.calibrate_on.open()
    wanted = arguments.calibration_clips + arguments.comparison_clips
    clips = sample_clips(dataset=dataset, served=served, count=wanted)
    if len(clips) < 2:
        raise TrainerError("INT8_CLIPS", f"{arguments.calibrate_on.folder} has one video; give at least two")
    # A small dataset is shared out in the proportion asked for.
    cut = max(1, min(len(clips) - 1, len(clips) * arguments.calibration_clips // wanted))
    return clips[:cut], clips[cut:]
