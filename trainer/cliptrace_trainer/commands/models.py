"""`export`: from a checkpoint to an encoder folder that the indexer serves."""

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from ..errors import TrainerError
from ..evaluation.encoders import encoder_from_checkpoint
from ..evaluation.protocols import evaluation_clips, fit_whitening
from ..export import Normalisation, Preprocessing, export_encoder
from ..training.checkpoint import load_checkpoint
from ..training.config import TrainingConfig
from .arguments import DatasetArgument, add_device, add_whitening_rule, device_of, positive_int, whitening_rule


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "export",
        help="checkpoint to encoder.onnx and manifest.json",
        epilog="example: export --checkpoint runs/first/best.pt --out index/models/mine --name mine",
    )
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the encoder folder")
    parser.add_argument("--name", required=True, help="a-z, 0-9, '.' and '-'")
    parser.add_argument("--size", type=positive_int, help="pixels served; the training size without it")
    parser.add_argument(
        "--whitening-from", type=DatasetArgument.parse, help="prepared training data to fit PCA-whitening on"
    )
    parser.add_argument("--whitening-clips", type=positive_int, default=3, help="clips a video for that fit")
    add_whitening_rule(parser)
    parser.add_argument("--dimension", type=positive_int, help="axes that the whitening keeps")
    parser.add_argument("--dataset-description", help="what it was trained on, for the manifest")
    parser.add_argument("--commit", help="revision of the trainer, for the manifest")
    parser.add_argument("--measured", type=Path, help="JSON file with measured figures, for the manifest")
    add_device(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    device = device_of(arguments.device)
    if arguments.dimension is not None and arguments.whitening_from is None:
        raise TrainerError("ARGUMENT_MISSING", "--dimension chooses axes of a whitening; give --whitening-from as well")
    encoder = encoder_from_checkpoint(path=arguments.checkpoint, device=device)
    config = encoder.config
    spec = evaluation_clips(encoder=encoder, size=arguments.size, clips=arguments.whitening_clips)
    whitening, fitted_on = None, None
    if arguments.whitening_from is not None:
        dataset = arguments.whitening_from.open()
        fitted_on = len(dataset)
        whitening = fit_whitening(
            encoder=encoder,
            dataset=dataset,
            spec=spec,
            device=device,
            dimension_out=arguments.dimension,
            rule=whitening_rule(arguments),
        )
    measured = _measured(arguments.measured)
    manifest = export_encoder(
        backbone=encoder.model.backbone.cpu(),
        normalisation=Normalisation(mean=config.mean, std=config.std),
        preprocessing=Preprocessing(
            frames_per_second=config.layout.global_frames / config.layout.span_seconds,
            frames=config.layout.global_frames,
            width=spec.width,
            height=spec.height,
        ),
        whitening=whitening,
        out_dir=arguments.out,
        name=arguments.name,
        training=_provenance(arguments, fitted_on),
        measured=measured,
    )
    print(f"{manifest['id']}: {arguments.out / manifest['file']}")
    return 0


def _measured(file: Path | None) -> dict:
    if file is None:
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainerError("EXPORT_METADATA", f"{file} cannot be read as JSON ({error}); give a JSON object") from error
    if not isinstance(value, dict):
        raise TrainerError("EXPORT_METADATA", f"{file} holds a {type(value).__name__}; give a JSON object")
    return value


def _provenance(arguments: argparse.Namespace, whitened_on: int | None) -> dict:
    content = load_checkpoint(arguments.checkpoint)
    config, progress = TrainingConfig.from_json(content["config"]).to_json(), content["progress"]
    layout = config["layout"]
    whitening = None
    if whitened_on is not None:
        whitening = {"kind": "pca", "videos": whitened_on, **asdict(whitening_rule(arguments))}
    return {
        "method": "TCLR, self-supervised, from scratch",
        "dataset": arguments.dataset_description,
        "epochs": progress["epoch"],
        "steps": progress["step"],
        "hours": round(progress["trained_seconds"] / 3600, 3),
        "videos": content.get("videos"),
        "seed": config["seed"],
        "batchSize": config["batch_size"],
        "temperature": config["temperature"],
        "trainedWidth": config["width"],
        "trainedHeight": config["height"],
        "localFrames": layout["local_frames"],
        "lossWeights": config["weights"],
        "instanceEpochs": config["instance_epochs"],
        "neighbours": config["neighbours"] if config["weights"]["neighbour"] else None,
        # What was changed when the run was gone on with; the values above are the last ones.
        "phases": content.get("phases", []),
        "commit": arguments.commit,
        "date": datetime.now(UTC).date().isoformat(),
        "whitening": whitening,
    }
