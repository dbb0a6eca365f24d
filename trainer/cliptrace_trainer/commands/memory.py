"""`memory`: what the backward pass keeps, with and without activation checkpointing."""

import argparse

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from ..backbones import BACKBONE_NAMES, build_backbone
from ..training.memory import saved_activation_bytes
from ..training.recompute import checkpoint_activations
from .arguments import positive_int

# Two views of one global and four local clips.
_CLIPS_OF_A_VIDEO = 10
_CLIPS = 2


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "memory",
        help="measure the activations that training keeps, and what --activation-checkpointing saves",
        description="Counts the bytes that a forward pass keeps for the backward pass, on the processor; a GPU "
        "keeps the same tensors. Weights, optimizer and working space come on top.",
        epilog="example: memory --backbone r3d18 --batch-size 40",
    )
    parser.add_argument(
        "--backbone", action="append", choices=BACKBONE_NAMES, help="may be given more than once; all without it"
    )
    parser.add_argument("--frames", type=positive_int, default=16)
    parser.add_argument("--size", type=positive_int, default=112, help="pixels of a clip")
    parser.add_argument("--batch-size", type=positive_int, default=40, help="videos a step, ten clips each")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    videos = arguments.batch_size
    print(
        f"| Backbone | Precision | MB a clip | with checkpointing | GB for {videos} videos "
        "| with checkpointing | saved |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in arguments.backbone or BACKBONE_NAMES:
        for precision in ("float32", "bfloat16"):
            plain, less = (
                _bytes_of_a_clip(name=name, arguments=arguments, recompute=recompute, precision=precision)
                for recompute in (False, True)
            )
            step = videos * _CLIPS_OF_A_VIDEO / 1e9
            print(
                f"| {name} | {precision} | {plain / 1e6:.0f} | {less / 1e6:.0f} | {step * plain:.0f} "
                f"| {step * less:.0f} | {1 - less / plain:.0%} |",
                flush=True,
            )
    return 0


def _bytes_of_a_clip(*, name: str, arguments: argparse.Namespace, recompute: bool, precision: str) -> float:
    # Shapes alone tell the bytes; nothing is computed.
    with FakeTensorMode():
        clips = torch.rand(_CLIPS, 3, arguments.frames, arguments.size, arguments.size)
        backbone = build_backbone(name=name)
        if recompute:
            checkpoint_activations(backbone)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            return saved_activation_bytes(network=backbone, clips=clips) / len(clips)
