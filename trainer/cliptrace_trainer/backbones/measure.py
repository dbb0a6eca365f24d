"""What a backbone costs: `python -m cliptrace_trainer.backbones.measure [--size 80] [NAME ...]`.

Times are processor time of one thread, so that other work on the machine shifts them little; a table as Markdown.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ..export import Normalisation, Preprocessing
from ..export.encoder import to_onnx
from ..export.graph import EncoderGraph
from ..export.session import open_session, run_encoder
from ..training.precision import processor_has_bfloat16
from . import BACKBONE_NAMES, build_backbone

_TRAINING_BATCH = 16
_REPEATS = 5


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Per clip; parameters and multiply-adds are of convolutions, norms and linear layers together."""

    name: str
    million_parameters: float
    giga_multiply_adds: float
    onnx_megabytes: float
    serve_milliseconds: float
    train_float32_milliseconds: float
    #: None where the processor lacks it.
    train_bfloat16_milliseconds: float | None


def measure(*, name: str, frames: int, size: int) -> Cost:
    backbone = build_backbone(name=name)
    settings = Preprocessing(frames_per_second=8, frames=frames, width=size, height=size)
    model = to_onnx(
        graph=EncoderGraph(backbone=backbone, normalisation=Normalisation(), whitening=None), preprocessing=settings
    )
    session = open_session(model, threads=1)
    clip = np.random.default_rng(0).integers(0, 256, (1, frames, size, size, 3), dtype=np.uint8)
    return Cost(
        name=name,
        million_parameters=sum(parameter.numel() for parameter in backbone.parameters()) / 1e6,
        giga_multiply_adds=_multiply_adds(backbone, torch.rand(1, 3, frames, size, size)) / 1e9,
        onnx_megabytes=len(model) / 1e6,
        serve_milliseconds=_milliseconds(lambda: run_encoder(session, clip)),
        train_float32_milliseconds=_training(backbone, frames, size, bfloat16=False),
        train_bfloat16_milliseconds=(
            _training(backbone, frames, size, bfloat16=True) if processor_has_bfloat16() else None
        ),
    )


def _multiply_adds(backbone: nn.Module, clip: torch.Tensor) -> int:
    total = 0

    def count(layer: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        nonlocal total
        total += output[:, :1].numel() * layer.weight.numel()

    hooks = [
        layer.register_forward_hook(count) for layer in backbone.modules() if isinstance(layer, nn.Conv2d | nn.Conv3d)
    ]
    with torch.no_grad():
        backbone.eval()(clip)
    for hook in hooks:
        hook.remove()
    return total


def _training(backbone: nn.Module, frames: int, size: int, *, bfloat16: bool) -> float:
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    backbone.train()
    for parameter in backbone.parameters():
        if parameter.ndim in formats:
            parameter.data = parameter.data.contiguous(memory_format=formats[parameter.ndim])
    clips = torch.rand(_TRAINING_BATCH, 3, frames, size, size).contiguous(memory_format=torch.channels_last_3d)

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            loss = backbone(clips).float().square().mean()
        loss.backward()

    return _milliseconds(step) / _TRAINING_BATCH


def _milliseconds(work: Callable[[], object]) -> float:
    """The least of a few runs: what interrupts a run only adds to it."""
    work()
    times = []
    for _ in range(_REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BACKBONE_NAMES))
    parser.add_argument("--size", type=int, default=80)
    parser.add_argument("--frames", type=int, default=16)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| Backbone | Parameters, M | GMAC | ONNX, MB | Serve, ms | Train float32, ms | Train bfloat16, ms |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.names or [name for name in BACKBONE_NAMES if name.startswith("compact-")]:
        cost = measure(name=name, frames=arguments.frames, size=arguments.size)
        bfloat16 = cost.train_bfloat16_milliseconds
        print(
            f"| {cost.name} | {cost.million_parameters:.2f} | {cost.giga_multiply_adds:.3f} "
            f"| {cost.onnx_megabytes:.1f} | {cost.serve_milliseconds:.1f} "
            f"| {cost.train_float32_milliseconds:.1f} | {'-' if bfloat16 is None else f'{bfloat16:.1f}'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
