"""Published checkpoints: every way they are wrapped, and everything that is none."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cliptrace_trainer.backbones import build_backbone
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.export import Preprocessing
from cliptrace_trainer.export.session import open_session, run_encoder
from cliptrace_trainer.heads import ProjectionHead
from cliptrace_trainer.importing import import_checkpoint
from cliptrace_trainer.importing.fitting import fit_backbone
from cliptrace_trainer.importing.published import read_published
from cliptrace_trainer.model import TclrModel
from torch.nn.functional import normalize


def published(state: dict[str, torch.Tensor]) -> dict[str, Any]:
    parameter = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.Adam([parameter])
    # The class that the authors pickled, without the graphics card that its own constructor wants.
    scaler = torch.cuda.amp.GradScaler.__new__(torch.cuda.amp.GradScaler)
    torch.amp.GradScaler.__init__(scaler, "cpu")
    scaler.scale(parameter.sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    return {
        "epoch": 271,
        "state_dict": state,
        "optimizer": optimizer.state_dict(),
        "learning_rate": 1e-3,
        "amp_scaler": scaler,
    }


@pytest.fixture(scope="module")
def r3d18() -> TclrModel:
    torch.manual_seed(0)
    model = TclrModel(backbone=build_backbone(name="r3d18"), head=ProjectionHead(in_dimension=512))
    return model.eval()


def prefixed(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: value for name, value in state.items()}


def test_a_published_file_becomes_an_encoder_folder(r3d18: TclrModel, tmp_path: Path) -> None:
    path = tmp_path / "r3d18.pth"
    torch.save(published(prefixed(r3d18.state_dict(), "module.")), path)
    size = Preprocessing(frames_per_second=12.5, frames=8, width=64, height=64, crop_fraction=0.8)
    out = tmp_path / "model"
    manifest = import_checkpoint(path=path, architecture="r3d18", out_dir=out, preprocessing=size)
    assert manifest["architecture"] == "r3d18"
    assert manifest["name"] == "tclr-r3d18-published"
    assert manifest["licence"] is None
    assert manifest["preprocessing"]["networkChannelOrder"] == "bgr"
    assert manifest["preprocessing"]["mean"] == [0, 0, 0]
    assert manifest["training"]["epochs"] == 271
    assert manifest["training"]["sourceSha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert json.loads((out / "manifest.json").read_text()) == manifest

    clips = np.random.default_rng(0).integers(0, 256, (1, 8, 64, 64, 3), dtype=np.uint8)
    bgr = np.ascontiguousarray(clips[..., ::-1].transpose(0, 4, 1, 2, 3))
    with torch.no_grad():
        expected = normalize(r3d18.features(torch.from_numpy(bgr) / 255), dim=-1)
    timesteps, _ = run_encoder(open_session(str(out / "encoder.onnx")), clips)
    assert np.abs(timesteps - expected.numpy()).max() < 1e-4


@pytest.mark.parametrize("wrapped", ["bare", "module", "backbone alone", "published", "old file format"])
def test_every_wrapping_is_understood(r3d18: TclrModel, tmp_path: Path, wrapped: str) -> None:
    state = r3d18.state_dict()
    content: Any = {
        "bare": state,
        "module": prefixed(state, "module."),
        "backbone alone": r3d18.backbone.state_dict() | {"fc.weight": torch.ones(102, 512)},
        "published": published(state),
        "old file format": published(prefixed(state, "module.")) | {"best_score": np.float64(1.5)},
    }[wrapped]
    path = tmp_path / "file.pth"
    torch.save(content, path, _use_new_zipfile_serialization=wrapped != "old file format")
    found = read_published(path)
    backbone = fit_backbone(state=found.state, architecture="r3d18")
    assert found.epoch == (271 if wrapped in ("published", "old file format") else None)
    weights = backbone.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in r3d18.backbone.state_dict().items())


def test_rpd18_is_r2plus1d18(tmp_path: Path) -> None:
    backbone = build_backbone(name="r2plus1d18")
    torch.save(published(prefixed(backbone.state_dict(), "module.0.")), tmp_path / "rpd18.pth")
    state = read_published(tmp_path / "rpd18.pth").state
    found = fit_backbone(state=state, architecture="rpd18")
    assert found.name == "r2plus1d18"
    assert torch.equal(found.layer4[0].conv1[0].weight, backbone.layer4[0].conv1[0].weight)
    with pytest.raises(TrainerError) as caught:
        fit_backbone(state=state, architecture="r3d18")
    assert caught.value.code == "IMPORT_WRONG_ARCHITECTURE"
    assert "It fits r2plus1d18" in caught.value.message


def test_missing_unexpected_and_misshapen_names_are_listed(r3d18: TclrModel) -> None:
    state = dict(r3d18.state_dict())
    del state["0.stem.0.weight"]
    state["0.extra"] = torch.ones(1)
    state["0.stem.1.bias"] = torch.ones(7)
    with pytest.raises(TrainerError) as caught:
        fit_backbone(state=state, architecture="r3d18")
    assert caught.value.code == "IMPORT_WRONG_ARCHITECTURE"
    assert "1 missing (stem.0.weight)" in caught.value.message
    assert "1 unexpected (extra)" in caught.value.message
    assert "stem.1.bias [7] instead of [64]" in caught.value.message


def test_an_architecture_nobody_published_is_refused() -> None:
    with pytest.raises(TrainerError) as caught:
        fit_backbone(state={}, architecture="compact-r21d")
    assert caught.value.code == "IMPORT_ARCHITECTURE_UNKNOWN"
    assert "'compact-r21d'" in caught.value.message


def test_objects_beside_tensors_are_never_built(tmp_path: Path) -> None:
    path, witness = tmp_path / "evil.pth", tmp_path / "witness"

    class Evil:
        def __reduce__(self) -> tuple:
            return (os.mkdir, (str(witness),))

    torch.save({"state_dict": {"0.stem.0.weight": torch.ones(1)}, "amp_scaler": Evil()}, path)
    with pytest.raises(TrainerError) as caught:
        read_published(path)
    assert caught.value.code == "IMPORT_UNSAFE"
    assert "mkdir" in caught.value.message
    assert not witness.exists()


@pytest.mark.parametrize("content", [b"", b"hello world", b"PK\x03\x04 cut short", bytes(range(256)) * 8])
def test_files_of_other_kinds_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.pth"
    path.write_bytes(content)
    with pytest.raises(TrainerError) as caught:
        read_published(path)
    assert caught.value.code == "IMPORT_NOT_A_CHECKPOINT"
    assert str(path) in caught.value.message


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, torch.ones(3)])
def test_saved_things_without_named_tensors_are_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "file.pth")
    with pytest.raises(TrainerError) as caught:
        read_published(tmp_path / "file.pth")
    assert caught.value.code == "IMPORT_NOT_A_CHECKPOINT"


def test_a_cut_download_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.pth"
    torch.save({"0.stem.0.weight": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(TrainerError) as caught:
        read_published(path)
    assert caught.value.code == "IMPORT_NOT_A_CHECKPOINT"


def test_a_path_that_is_no_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.pth"):
        with pytest.raises(TrainerError) as caught:
            read_published(path)
        assert caught.value.code == "IMPORT_FILE"
        assert str(path) in caught.value.message
