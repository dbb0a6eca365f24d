"""From the names in a published file to the names of a backbone of ours."""

import torch
from torch import nn

from ..backbones import build_backbone
from ..errors import TrainerError

# The authors call R(2+1)D-18 `rpd18` in their file names.
ARCHITECTURES = {"r3d18": "r3d18", "rpd18": "r2plus1d18", "r2plus1d18": "r2plus1d18"}


def fit_backbone(*, state: dict[str, torch.Tensor], architecture: str) -> nn.Module:
    """The backbone with the weights of a published state; head and classifier weights are left out.

    Names may start with `module.` (DataParallel), and with `0.` for the backbone beside `1.` for the head.

    Raises TrainerError IMPORT_ARCHITECTURE_UNKNOWN, IMPORT_WRONG_ARCHITECTURE.
    """
    if architecture not in ARCHITECTURES:
        raise TrainerError(
            "IMPORT_ARCHITECTURE_UNKNOWN",
            f"there is no published checkpoint of {architecture!r}; choose one of {', '.join(ARCHITECTURES)}",
        )
    backbone = build_backbone(name=ARCHITECTURES[architecture])
    weights = _backbone_weights(state)
    problems = _problems(weights, backbone)
    if problems:
        raise TrainerError(
            "IMPORT_WRONG_ARCHITECTURE",
            f"the file does not fit {architecture}: {'; '.join(problems)}. {_advice(weights, backbone.name)}",
        )
    backbone.load_state_dict(weights)
    return backbone.eval()


def _backbone_weights(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    bare = {name.removeprefix("module."): value for name, value in state.items()}
    if any(name.startswith("0.") for name in bare):
        bare = {name.removeprefix("0."): value for name, value in bare.items() if not name.startswith("1.")}
    return {name: value for name, value in bare.items() if not name.startswith("fc.")}


def _problems(weights: dict[str, torch.Tensor], backbone: nn.Module) -> list[str]:
    wanted = backbone.state_dict()
    missing = [name for name in wanted if name not in weights]
    unexpected = [name for name in weights if name not in wanted]
    misshapen = [
        f"{name} {list(weights[name].shape)} instead of {list(value.shape)}"
        for name, value in wanted.items()
        if name in weights and weights[name].shape != value.shape
    ]
    return [
        f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", misshapen))
        if names
    ]


def _advice(weights: dict[str, torch.Tensor], tried: str) -> str:
    for name in dict.fromkeys(ARCHITECTURES.values()):
        if name != tried and not _problems(weights, build_backbone(name=name)):
            return f"It fits {name}: give that architecture"
    return f"It fits none of {', '.join(ARCHITECTURES)}: give a checkpoint that the TCLR authors published"
