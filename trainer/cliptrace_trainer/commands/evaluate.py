"""`evaluate`: retrieval, linear probe and fine-tuning on prepared datasets; UCF101 and HMDB51 from their videos."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import torch

from ..data.prepared import PreparedDataset
from ..data.sources import from_hmdb51, from_ucf101
from ..errors import TrainerError
from ..evaluation.encoders import MeasuredEncoder, encoder_from_checkpoint, random_encoder
from ..evaluation.fine_tune import FineTuneOptions, fine_tune
from ..evaluation.protocols import (
    Embedder,
    evaluation_clips,
    fit_whitening,
    histogram_retrieval,
    probe,
    retrieval,
)
from ..training.config import PRESETS, preset
from ..training.precision import best_precision
from .arguments import (
    DatasetArgument,
    add_device,
    add_whitening_rule,
    device_of,
    fraction,
    group_range,
    positive_float,
    positive_int,
    whitening_rule,
    whole_number,
)
from .prepare import add_frame_format, prepare_sources
from .report import print_recalls

_LAYOUTS = {"ucf101": from_ucf101, "hmdb51": from_hmdb51}


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("evaluate", help="measure an encoder")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    _add_retrieval(kinds)
    _add_probe(kinds)
    _add_fine_tune(kinds)
    for name in _LAYOUTS:
        _add_benchmark(kinds, name)


def _add_retrieval(kinds: argparse._SubParsersAction) -> None:
    parser = kinds.add_parser(
        "retrieval",
        help="R@1/5/10/20 of queries against a gallery, plain and altered",
        epilog="example: evaluate retrieval --gallery train --queries dev --checkpoint runs/first/best.pt",
    )
    _add_sets(parser, first="gallery", second="queries")
    _add_encoder(parser, several=True)
    parser.add_argument("--histogram", action="store_true", help="the colour-histogram baseline as well")
    parser.add_argument("--random", action="store_true", help="random weights as well")
    parser.add_argument("--whitening-from", type=DatasetArgument.parse, help="whiten the last one too, fitted there")
    add_whitening_rule(parser)
    parser.add_argument("--hold-out-groups", type=group_range, help="query with these groups of the gallery")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_run_retrieval)


def _add_probe(kinds: argparse._SubParsersAction) -> None:
    parser = kinds.add_parser("linear-probe", help="top-1 of a linear classifier on frozen features")
    _add_sets(parser, first="train", second="test")
    _add_encoder(parser)
    parser.set_defaults(run=_run_probe)


def _add_fine_tune(kinds: argparse._SubParsersAction) -> None:
    parser = kinds.add_parser("fine-tune", help="top-1 after training all weights on labels")
    _add_sets(parser, first="train", second="test")
    _add_encoder(parser)
    _add_fine_tune_options(parser)
    parser.set_defaults(run=_run_fine_tune)


def _add_benchmark(kinds: argparse._SubParsersAction, name: str) -> None:
    parser = kinds.add_parser(
        name,
        help=f"prepare {name.upper()} and measure retrieval, linear probe and, if asked, fine-tuning",
        epilog=f"example: evaluate {name} --videos {name} --splits lists --prepared prepared-{name} "
        "--checkpoint runs/first/best.pt",
    )
    parser.add_argument("--videos", type=Path, required=True, help="the folder with the class folders")
    parser.add_argument("--splits", type=Path, help="folder of the official split lists")
    parser.add_argument("--split", type=positive_int, default=1, help="which official split: 1, 2 or 3")
    parser.add_argument("--prepared", dest="out", type=Path, required=True, help="where frames are kept")
    parser.add_argument("--workers", type=positive_int, default=2)
    parser.add_argument("--decode-timeout-seconds", type=positive_float, default=600.0)
    add_frame_format(parser)
    _add_encoder(parser)
    parser.add_argument("--fine-tune", action="store_true", help="fine-tuning as well (hours)")
    _add_fine_tune_options(parser)
    parser.set_defaults(run=_run_benchmark, width=140, height=140, frames_per_second=25.0)


def _add_sets(parser: argparse.ArgumentParser, *, first: str, second: str) -> None:
    for name in (first, second):
        parser.add_argument(f"--{name}", type=DatasetArgument.parse, required=True, help="FOLDER or FOLDER:split")


def _add_encoder(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    if several:
        parser.add_argument("--checkpoint", type=Path, nargs="+", help="last.pt or best.pt of one run or more")
    else:
        parser.add_argument("--checkpoint", type=Path, help="a run's last.pt or best.pt")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="compact-cpu", help="of random weights")
    parser.add_argument("--clips", type=positive_int, default=10, help="clips spread over each video")
    parser.add_argument("--size", type=positive_int, help="pixels of a clip; the training size without it")
    parser.add_argument("--clip-crop-fraction", type=fraction, help="centre crop: 0.8 in the paper")
    parser.add_argument("--span-seconds", type=positive_float, help="of a clip: 1.28 in the paper (stride 2 at 25)")
    parser.add_argument("--pooled", action="store_true", help="pool over time, as the product's index does")
    add_device(parser)


def _add_fine_tune_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--label-fraction", type=fraction, default=1.0, help="share of each class's labels")
    parser.add_argument("--epochs", type=positive_int, default=30)
    parser.add_argument("--batch-size", type=positive_int, default=16)
    parser.add_argument("--learning-rate", type=positive_float, default=1e-4)
    parser.add_argument("--seed", type=whole_number, default=0)


def _run_retrieval(arguments: argparse.Namespace) -> int:
    device = device_of(arguments.device)
    gallery, queries = arguments.gallery.open(), arguments.queries.open()
    if arguments.hold_out_groups is not None:
        gallery, queries = _split_by_group(gallery, arguments.hold_out_groups)
    labels = set(queries.labels)
    gallery = gallery.where(lambda video: video.label in labels)
    rows = {}
    for checkpoint in arguments.checkpoint or [None]:
        encoder = _encoder(checkpoint, arguments, device)
        spec = _clips(arguments, encoder)
        if not rows:
            rows |= _baselines(arguments, encoder, spec, device, gallery, queries)
        embedder = _embedder(arguments, encoder, spec, device)
        rows[encoder.source] = retrieval(embedder=embedder, gallery=gallery, queries=queries)
    if arguments.whitening_from is not None:
        whitening = fit_whitening(
            encoder=encoder,
            dataset=arguments.whitening_from.open(),
            spec=spec,
            device=device,
            rule=whitening_rule(arguments),
        )
        embedder = _embedder(arguments, encoder, spec, device, whitening=whitening)
        rows[f"{encoder.source}, whitened"] = retrieval(embedder=embedder, gallery=gallery, queries=queries)
    print_recalls(rows=rows, as_json=arguments.json)
    return 0


def _baselines(
    arguments: argparse.Namespace,
    encoder: MeasuredEncoder,
    spec: object,
    device: torch.device,
    gallery: PreparedDataset,
    queries: PreparedDataset,
) -> dict[str, dict[str, dict[int, float]]]:
    """What an encoder has to beat, on the clips of the first one."""
    rows = {}
    if arguments.histogram:
        rows["colour histogram"] = histogram_retrieval(spec=spec, gallery=gallery, queries=queries)
    if arguments.random:
        untrained = random_encoder(config=encoder.config, device=device)
        embedder = _embedder(arguments, untrained, spec, device)
        rows["random weights"] = retrieval(embedder=embedder, gallery=gallery, queries=queries)
    return rows


def _run_probe(arguments: argparse.Namespace) -> int:
    device = device_of(arguments.device)
    encoder = _encoder(arguments.checkpoint, arguments, device)
    embedder = _embedder(arguments, encoder, _clips(arguments, encoder), device)
    result = probe(embedder=embedder, train=arguments.train.open(), test=arguments.test.open())
    print(json.dumps({"linearProbe": vars(result), "encoder": encoder.source}))
    return 0


def _run_fine_tune(arguments: argparse.Namespace) -> int:
    device = device_of(arguments.device)
    encoder = _encoder(arguments.checkpoint, arguments, device)
    _fine_tune(arguments, encoder, arguments.train.open(), arguments.test.open(), device)
    return 0


def _run_benchmark(arguments: argparse.Namespace) -> int:
    device = device_of(arguments.device)
    encoder = _encoder(arguments.checkpoint, arguments, device)
    sources = _LAYOUTS[arguments.kind](
        root=arguments.videos, splits=arguments.splits or arguments.videos, split_number=arguments.split
    )
    code = prepare_sources(sources=sources, arguments=arguments)
    dataset = PreparedDataset.open(arguments.out)
    train = dataset.where(lambda video: video.split == "train")
    test = dataset.where(lambda video: video.split == "test")
    embedder = _embedder(arguments, encoder, _clips(arguments, encoder), device)
    recalls = retrieval(embedder=embedder, gallery=train, queries=test)
    print_recalls(rows={encoder.source: recalls}, as_json=False)
    result = probe(embedder=embedder, train=train, test=test)
    print(f"linear probe: {result.accuracy:.3f} of {len(test)} test videos, {result.classes} classes")
    if arguments.fine_tune:
        _fine_tune(arguments, encoder, train, test, device)
    return code


def _fine_tune(
    arguments: argparse.Namespace,
    encoder: MeasuredEncoder,
    train: PreparedDataset,
    test: PreparedDataset,
    device: torch.device,
) -> None:
    # The checkpoint may come from a machine with another precision.
    config = replace(encoder.config, precision=best_precision(config=encoder.config, device=device))
    result = fine_tune(
        encoder=replace(encoder, config=config),
        train=train,
        test=test,
        spec=_clips(arguments, encoder),
        options=FineTuneOptions(
            epochs=arguments.epochs,
            batch_size=arguments.batch_size,
            learning_rate=arguments.learning_rate,
            label_fraction=arguments.label_fraction,
            seed=arguments.seed,
        ),
        device=device,
    )
    print(
        f"fine-tuning with {result.labelled_videos} labelled videos: {result.accuracy:.3f} of {len(test)} "
        f"test videos, {result.classes} classes"
    )


def _encoder(checkpoint: Path | None, arguments: argparse.Namespace, device: torch.device) -> MeasuredEncoder:
    if checkpoint is None:
        return random_encoder(config=preset(name=arguments.preset), device=device)
    return encoder_from_checkpoint(path=checkpoint, device=device)


def _clips(arguments: argparse.Namespace, encoder: MeasuredEncoder) -> object:
    return evaluation_clips(
        encoder=encoder,
        clips=arguments.clips,
        size=arguments.size,
        crop_fraction=arguments.clip_crop_fraction,
        span_seconds=arguments.span_seconds,
    )


def _embedder(
    arguments: argparse.Namespace,
    encoder: MeasuredEncoder,
    spec: object,
    device: torch.device,
    whitening: object = None,
) -> Embedder:
    return Embedder(
        encoder=encoder,
        spec=spec,
        device=device,
        keep_timesteps=not arguments.pooled,
        whitening=whitening,
    )


def _split_by_group(dataset: PreparedDataset, groups: tuple[int, int]) -> tuple[PreparedDataset, PreparedDataset]:
    low, high = groups

    def held_out(video: object) -> bool:
        return video.group is not None and low <= video.group <= high

    queries = dataset.where(held_out)
    if not len(queries):
        raise TrainerError(
            "GROUPS_EMPTY", f"no video of groups {low} to {high} in {dataset.folder}; give groups that are there"
        )
    return dataset.where(lambda video: not held_out(video)), queries
