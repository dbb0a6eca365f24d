"""Does this machine compute right gradients in the reduced precision?

oneDNN's bfloat16 weight gradients of 3D convolutions over very few timesteps were found wrong (cosine 0.5 with
float32, or NaN) on processors with AVX-512 BF16, torch 2.13. Training then runs, and learns worse, in silence.
"""

from dataclasses import replace

import torch
from torch import nn

from ..backbones import build_backbone
from ..errors import TrainerError
from .config import TrainingConfig
from .step import autocast

# What x86 and ARM call it.
_PROCESSOR_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
_CLIPS = 8
# Rounding alone leaves convolution gradients above 0.9; the wrong ones lay below 0.6.
_LEAST_COSINE = 0.75


def best_precision(*, config: TrainingConfig, device: torch.device) -> str:
    """bfloat16 where the device has it and its gradients are sound, float16 on older GPUs, else float32."""
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if not processor_has_bfloat16():
        return "float32"
    try:
        backbone = build_backbone(name=config.backbone)
        check_precision(backbone=backbone, config=replace(config, precision="bfloat16"), device=device)
    except TrainerError:
        return "float32"
    return "bfloat16"


def processor_has_bfloat16() -> bool:
    """Without it, bfloat16 is emulated, and slower than float32 by an order."""
    known = torch.cpu.get_capabilities()
    return any(known.get(name) for name in _PROCESSOR_BFLOAT16)


def check_precision(*, backbone: nn.Module, config: TrainingConfig, device: torch.device) -> None:
    """Compare convolution gradients with float32 on noise clips of the run's shapes; weights stay as they are.

    Raises TrainerError PRECISION_UNSOUND with the worst layer's name.
    """
    if config.precision == "float32" or config.activation_checkpointing:
        return
    layout = config.layout
    generator = torch.Generator().manual_seed(0)
    state = {name: value.clone() for name, value in backbone.state_dict().items()}
    try:
        for frames in sorted({layout.global_frames, layout.local_frames}):
            clips = torch.rand(_CLIPS, 3, frames, config.height, config.width, generator=generator).to(device)
            exact = _gradients(backbone, clips, replace(config, precision="float32"))
            reduced = _gradients(backbone, clips, config)
            for name, wanted in exact.items():
                cosine = torch.nn.functional.cosine_similarity(reduced[name], wanted, dim=0).item()
                if not cosine >= _LEAST_COSINE:
                    raise _unsound(name, frames, cosine, config)
    finally:
        backbone.load_state_dict(state)
        backbone.zero_grad(set_to_none=True)


def _gradients(backbone: nn.Module, clips: torch.Tensor, config: TrainingConfig) -> dict[str, torch.Tensor]:
    backbone.zero_grad(set_to_none=True)
    with autocast(config=config, device=clips.device):
        features = backbone(clips)
    weights = torch.randn(features.shape, generator=torch.Generator().manual_seed(1)).to(clips.device)
    (features.float() * weights).sum().backward()
    return {
        name: parameter.grad.float().flatten().clone()
        for name, parameter in backbone.named_parameters()
        if parameter.ndim >= 4 and parameter.grad is not None
    }


def _unsound(name: str, frames: int, cosine: float, config: TrainingConfig) -> TrainerError:
    return TrainerError(
        "PRECISION_UNSOUND",
        f"{config.precision} gradients of {config.backbone}'s {name} on clips of {frames} frames point elsewhere "
        f"than float32's (cosine {cosine:.2f}) on this machine; give --precision float32",
    )
