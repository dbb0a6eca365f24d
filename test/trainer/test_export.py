"""The exported folder: what ONNX Runtime computes, what the manifest says, and what bad input is told."""

import hashlib
import json
import resource
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from cliptrace_trainer.backbones import build_backbone
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.export import Normalisation, Preprocessing, fit_pca_whitening
from cliptrace_trainer.export.lattice import lattice_clip
from cliptrace_trainer.export.session import open_session, run_encoder
from cliptrace_trainer.export.whitening import WhiteningRule
from export_helpers import COLOURS, export, moving_clips, network_input, settled_backbone
from torch import nn
from torch.nn.functional import normalize


@pytest.fixture(scope="module")
def backbone() -> nn.Module:
    return settled_backbone()


@pytest.fixture(scope="module")
def whitening(backbone: nn.Module):
    with torch.no_grad():
        features = backbone(network_input(moving_clips(48, seed=99)))
    return fit_pca_whitening(features=features.flatten(0, 1), dimension_out=32, rule=WhiteningRule(shrinkage=0.1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, backbone: nn.Module, whitening) -> Path:
    path = tmp_path_factory.mktemp("encoder") / "small"
    export(path, backbone, whitening=whitening)
    return path


@pytest.mark.parametrize("count", [1, 3])
def test_onnx_runtime_gives_what_pytorch_gives(folder: Path, backbone: nn.Module, whitening, count: int) -> None:
    clips = moving_clips(count, seed=5)
    with torch.no_grad():
        features = whitening.apply(backbone(network_input(clips)))
    timesteps, embedding = run_encoder(open_session(str(folder / "encoder.onnx")), clips)
    assert timesteps.dtype == embedding.dtype == np.float32
    assert np.abs(timesteps - normalize(features, dim=-1).numpy()).max() < 1e-4
    assert np.abs(embedding - normalize(features.mean(dim=1), dim=-1).numpy()).max() < 1e-4
    assert np.allclose(np.linalg.norm(timesteps, axis=-1), 1, atol=1e-5)
    assert np.allclose(np.linalg.norm(embedding, axis=-1), 1, atol=1e-5)


def test_without_whitening_the_features_themselves_are_served(tmp_path: Path, backbone: nn.Module) -> None:
    manifest = export(tmp_path, backbone)
    clips = moving_clips(2, seed=6)
    with torch.no_grad():
        features = backbone(network_input(clips))
    timesteps, _ = run_encoder(open_session(str(tmp_path / "encoder.onnx")), clips)
    assert manifest["dimension"] == backbone.dimension
    assert np.abs(timesteps - normalize(features, dim=-1).numpy()).max() < 1e-4


def test_a_network_for_bgr_still_takes_rgb(tmp_path: Path, backbone: nn.Module) -> None:
    order = Normalisation(mean=COLOURS.mean, std=COLOURS.std, channel_order="bgr")
    manifest = export(tmp_path, backbone, normalisation=order)
    clips = moving_clips(2, seed=7)
    with torch.no_grad():
        features = backbone(network_input(clips, order))
        unflipped = backbone(network_input(clips))
    timesteps, _ = run_encoder(open_session(str(tmp_path / "encoder.onnx")), clips)
    assert np.abs(timesteps - normalize(features, dim=-1).numpy()).max() < 1e-4
    assert np.abs(timesteps - normalize(unflipped, dim=-1).numpy()).max() > 1e-3
    assert manifest["input"]["channelOrder"] == "rgb"
    assert manifest["preprocessing"]["networkChannelOrder"] == "bgr"


def test_the_manifest_describes_the_file(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    model = (folder / "encoder.onnx").read_bytes()
    digest = hashlib.sha256(model).hexdigest()
    assert manifest["formatVersion"] == 1
    assert manifest["sha256"] == digest
    assert manifest["id"] == f"small-{digest[:8]}"
    assert manifest["architecture"] == "compact-r21d"
    assert manifest["opset"] == onnx.load_from_string(model).opset_import[0].version == 18
    assert manifest["input"]["shape"] == [None, 8, 64, 72, 3]
    assert manifest["outputs"]["timesteps"]["shape"] == [None, 2, 32]
    assert (manifest["dimension"], manifest["timesteps"]) == (32, 2)
    assert manifest["preprocessing"]["crop"] == {"mode": "stretch"}
    assert manifest["preprocessing"]["mean"] == [0.5, 0.4, 0.3]
    inputs = open_session(model).get_inputs()
    assert [(i.name, i.type, i.shape[1:]) for i in inputs] == [("clips", "tensor(uint8)", [8, 64, 72, 3])]


def test_check_vectors_come_from_the_formula(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    check = manifest["checkVectors"][0]
    seed = check["input"]["seed"]
    assert check["input"]["formula"] == "cliptrace-lattice-1"
    clip = np.zeros((1, 8, 64, 72, 3), dtype=np.uint8)
    for t in range(8):
        for y in range(64):
            for x in range(72):
                for c in range(3):
                    value = 3 * x + 5 * y + 7 * t + 11 * c + 13 * seed + ((x * y) >> 3) * (t + 1)
                    clip[0, t, y, x, c] = value & 255
    assert np.array_equal(clip[0], lattice_clip(seed=seed, frames=8, height=64, width=72))
    timesteps, embedding = run_encoder(open_session(str(folder / "encoder.onnx")), clip)
    assert np.abs(embedding[0] - check["embedding"]).max() < check["tolerance"]
    assert np.abs(timesteps[0] - check["timesteps"]).max() < check["tolerance"]


def test_the_centre_crop_is_written_as_a_fraction(tmp_path: Path, backbone: nn.Module) -> None:
    cropped = Preprocessing(frames_per_second=12.5, frames=8, width=64, height=64, crop_fraction=0.8)
    manifest = export(tmp_path, backbone, preprocessing=cropped, licence=None, segment_hop_seconds=0.5)
    assert manifest["preprocessing"]["crop"] == {"mode": "centre", "fraction": 0.8}
    assert manifest["licence"] is None
    assert manifest["segmentHopSeconds"] == 0.5


def test_export_leaves_the_backbone_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(1)
    backbone = build_backbone(name="compact-r21d")
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    export(tmp_path, backbone)
    assert backbone.training
    assert all(p.requires_grad for p in backbone.parameters())
    assert all(torch.equal(value, before[name]) for name, value in backbone.state_dict().items())


def test_a_write_that_fails_keeps_the_earlier_model(tmp_path: Path, backbone: nn.Module) -> None:
    earlier = export(tmp_path, backbone)
    files = sorted(path.name for path in tmp_path.iterdir())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel ends a write past this size with an error, as a full disk does.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(TrainerError) as caught:
            export(tmp_path, settled_backbone(seed=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.code == "EXPORT_WRITE_FAILED"
    assert str(tmp_path / "encoder.onnx") in caught.value.message
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert hashlib.sha256((tmp_path / "encoder.onnx").read_bytes()).hexdigest() == earlier["sha256"]
    assert json.loads((tmp_path / "manifest.json").read_text()) == earlier


def test_a_folder_that_is_a_file_is_named(tmp_path: Path, backbone: nn.Module) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(TrainerError) as caught:
        export(tmp_path / "taken", backbone)
    assert caught.value.code == "EXPORT_WRITE_FAILED"


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "../up", "-dash", "x" * 65])
def test_a_name_that_is_none_is_refused(tmp_path: Path, backbone: nn.Module, name: str) -> None:
    with pytest.raises(TrainerError) as caught:
        export(tmp_path, backbone, name=name)
    assert caught.value.code == "EXPORT_NAME"
    assert repr(name) in caught.value.message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("metadata", [{"loss": float("nan")}, {"path": Path("x")}])
def test_metadata_that_json_cannot_hold_is_refused(tmp_path: Path, backbone: nn.Module, metadata: dict) -> None:
    with pytest.raises(TrainerError) as caught:
        export(tmp_path, backbone, measured=metadata)
    assert caught.value.code == "EXPORT_METADATA"
    assert not list(tmp_path.iterdir())


def test_a_network_of_nan_is_refused(tmp_path: Path) -> None:
    broken = settled_backbone()
    with torch.no_grad():
        next(broken.parameters())[0] = float("nan")
    with pytest.raises(TrainerError) as caught:
        export(tmp_path, broken)
    assert caught.value.code == "EXPORT_NOT_FINITE"
    assert not list(tmp_path.iterdir())


def test_whitening_of_another_backbone_is_refused(tmp_path: Path, backbone: nn.Module) -> None:
    other = fit_pca_whitening(features=torch.randn(50, 8), dimension_out=4)
    with pytest.raises(TrainerError) as caught:
        export(tmp_path, backbone, whitening=other)
    assert caught.value.code == "WHITENING_MISMATCH"
    assert "8 values" in caught.value.message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"frames": 0}, "PREPROCESSING_INVALID"),
        ({"frames_per_second": -8}, "PREPROCESSING_INVALID"),
        ({"width": float("nan")}, "PREPROCESSING_INVALID"),
        ({"crop_fraction": 1.5}, "PREPROCESSING_INVALID"),
        ({"crop_fraction": 0.0}, "PREPROCESSING_INVALID"),
    ],
)
def test_preprocessing_that_no_decoder_can_do_is_refused(change: dict, code: str) -> None:
    whole = {"frames_per_second": 8, "frames": 8, "width": 64, "height": 64}
    with pytest.raises(TrainerError) as caught:
        Preprocessing(**(whole | change))
    assert caught.value.code == code
    name, value = next(iter(change.items()))
    assert f"{name} {value}" in caught.value.message


@pytest.mark.parametrize("change", [{"std": (1.0, 0.0, 1.0)}, {"mean": (0.5, 0.5)}, {"channel_order": "gbr"}])
def test_normalisation_that_is_none_is_refused(change: dict) -> None:
    with pytest.raises(TrainerError) as caught:
        Normalisation(**change)
    assert caught.value.code == "NORMALISATION_INVALID"
