"""Figures of the reference implementation. The copy in golden-figures.json ships with these tests; the files that
it was taken from are read as well where they are at hand."""

import json
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from cliptrace_trainer.backbones import build_backbone
from cliptrace_trainer.heads import ProjectionHead
from cliptrace_trainer.losses import nt_xent, tclr_loss
from cliptrace_trainer.model import TclrModel

FIGURES = json.loads((Path(__file__).parent / "golden-figures.json").read_text())
SHARED = Path(__file__).resolve().parents[3] / "shared" / "golden"
NETWORK = FIGURES["network"]


def random_state(seed: int, name: str) -> np.random.RandomState:
    return np.random.RandomState(zlib.crc32(f"{seed}:{name}".encode()) & 0xFFFFFFFF)


def unit_rows(seed: int, name: str, *shape: int) -> torch.Tensor:
    rows = random_state(seed, name).standard_normal(shape)
    rows /= np.linalg.norm(rows, axis=-1, keepdims=True)
    return torch.from_numpy(rows.astype(np.float32).astype(np.float64))


def golden_weight(name: str, shape: list[int]) -> torch.Tensor:
    r = random_state(NETWORK["seed"], name)
    if name.endswith("num_batches_tracked"):
        return torch.tensor(1)
    if len(shape) >= 2:
        value = r.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    elif name.endswith(("running_var", "weight")):
        value = r.uniform(0.5, 1.5, shape)
    else:
        value = r.standard_normal(shape) * 0.1
    return torch.from_numpy(value.astype(np.float32))


@pytest.fixture(scope="module")
def model() -> TclrModel:
    model = TclrModel(backbone=build_backbone(name="r3d18"), head=ProjectionHead(in_dimension=512))
    weights = {name: golden_weight(name, list(value.shape)) for name, value in model.state_dict().items()}
    model.load_state_dict(weights)
    return model.eval()


@pytest.mark.parametrize("case", FIGURES["losses"], ids=lambda case: f"seed{case['seed']}")
def test_losses(case: dict[str, float]) -> None:
    seed, batch, dimension = case["seed"], case["batch"], case["dim"]
    views = {name: unit_rows(seed, name, batch, dimension) for name in ("global0", "global1")} | {
        name: unit_rows(seed, name, batch, 4, dimension) for name in ("timestep0", "timestep1", "local0", "local1")
    }
    terms = tclr_loss(**views, temperature=case["temperature"])
    for name in ("instance_global", "instance_local", "local_local", "global_local", "total"):
        assert getattr(terms, name).item() == pytest.approx(case[name], rel=1e-5), name
    pair = nt_xent(first=views["local0"][:, 0], second=views["local1"][:, 1], temperature=case["temperature"])
    assert pair.item() == pytest.approx(case["ntxent_pair"], rel=1e-5)


def test_network_state_names_and_shapes(model: TclrModel) -> None:
    assert {name: list(value.shape) for name, value in model.state_dict().items()} == NETWORK["state_dict"]


def test_network_outputs(model: TclrModel) -> None:
    clips = random_state(NETWORK["seed"], "input").uniform(0, 1, NETWORK["input_shape"]).astype(np.float32)
    with torch.no_grad():
        features = model.features(torch.from_numpy(clips))
        pooled, timesteps = model.global_clip(torch.from_numpy(clips))
    assert [features.shape[0], features.shape[2], features.shape[1]] == NETWORK["feature_shape"]
    assert features.mean().item() == pytest.approx(NETWORK["feature_mean"], rel=1e-3)
    assert features.std().item() == pytest.approx(NETWORK["feature_std"], rel=1e-3)
    found = {
        "feature_first8_t0": (features[0, 0], features),
        "feature_first8_t3": (features[1, 3], features),
        "pooled_first8": (features[0].mean(dim=0), features),
        "projection_first8": (model.head(features.mean(dim=1))[0], pooled),
        "global_first8": (pooled[0], pooled),
        "timestep2_first8": (timesteps[0, 2], timesteps),
    }
    for name, (row, whole) in found.items():
        difference = (row[:8] - torch.tensor(NETWORK[name])).abs().max().item()
        assert difference <= 1e-3 * whole.abs().max().item(), name


def test_the_copy_is_the_original() -> None:
    if not SHARED.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"CI is set, and {SHARED} with the reference figures is missing")
        pytest.skip(f"{SHARED} is not here; the figures that ship with the tests were used")
    assert json.loads((SHARED / "tclr-losses.json").read_text()) == FIGURES["losses"]
    assert json.loads((SHARED / "tclr-r3d18.json").read_text()) == NETWORK
