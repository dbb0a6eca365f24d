"""The int8 variant: it agrees with float32, is listed, and leaves with the model it came from."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.export import quantise_encoder
from cliptrace_trainer.export.int8 import add_variant_figures
from cliptrace_trainer.export.session import open_session, run_encoder
from export_helpers import export, moving_clips, settled_backbone


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("float32")
    export(path, settled_backbone())
    return path


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory, exported: Path) -> Path:
    path = tmp_path_factory.mktemp("int8") / "small"
    shutil.copytree(exported, path)
    quantise_encoder(
        model_dir=path,
        calibration_clips=moving_clips(24, seed=1),
        comparison_clips=moving_clips(8, seed=2),
    )
    add_variant_figures(model_dir=path, figures={"recallAt1": None})
    return path


def test_int8_is_listed_beside_an_unchanged_float32(quantised: Path, exported: Path) -> None:
    manifest = json.loads((quantised / "manifest.json").read_text())
    (variant,) = manifest.pop("variants")
    assert manifest == json.loads((exported / "manifest.json").read_text())
    content = (quantised / variant["file"]).read_bytes()
    assert (variant["precision"], variant["file"]) == ("int8", "encoder-int8.onnx")
    assert variant["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(content) < (quantised / "encoder.onnx").stat().st_size / 3
    assert [(entry.domain, entry.version) for entry in onnx.load_from_string(content).opset_import] == [("", 18)]
    measured = variant["measured"]
    assert (measured["calibrationClips"], measured["comparisonClips"], measured["recallAt1"]) == (24, 8, None)
    assert measured["millisecondsPerClip"] > 0
    assert measured["float32MillisecondsPerClip"] > 0


def test_int8_agrees_with_float32_on_clips_it_was_not_calibrated_on(quantised: Path) -> None:
    clips = moving_clips(12, seed=3)
    timesteps, expected = run_encoder(open_session(str(quantised / "encoder.onnx")), clips)
    int8_timesteps, found = run_encoder(open_session(str(quantised / "encoder-int8.onnx")), clips)
    assert int8_timesteps.shape == timesteps.shape
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    own = (expected * found).sum(axis=1)
    assert own.min() > 0.98
    # Each clip's int8 embedding lies nearest to its own float32 embedding.
    assert np.array_equal((found @ expected.T).argmax(axis=1), np.arange(12))
    measured = json.loads((quantised / "manifest.json").read_text())["variants"][0]["measured"]
    assert measured["minimumCosineToFloat32"] > 0.98


def test_the_last_convolution_stays_in_float32(quantised: Path) -> None:
    graph = onnx.load(quantised / "encoder-int8.onnx").graph
    makers = {output: node for node in graph.node for output in node.output}
    kept = [
        place
        for place, node in enumerate(node for node in graph.node if node.op_type == "Conv")
        if makers[node.input[0]].op_type != "DequantizeLinear"
    ]
    # The last always, the first where it helps.
    assert kept in ([19], [0, 19])


def test_a_second_run_replaces_the_variant_and_an_export_drops_it(quantised: Path, tmp_path: Path) -> None:
    path = tmp_path / "small"
    shutil.copytree(quantised, path)
    manifest = quantise_encoder(
        model_dir=path, calibration_clips=moving_clips(9, seed=8), comparison_clips=moving_clips(2, seed=9)
    )
    assert [variant["measured"]["calibrationClips"] for variant in manifest["variants"]] == [9]
    assert "variants" not in export(path, settled_backbone())
    assert not (path / "encoder-int8.onnx").exists()


@pytest.mark.parametrize(
    "clips",
    [
        np.zeros((2, 8, 64, 64, 3), np.uint8),
        np.zeros((2, 8, 64, 72, 3), np.float32),
        np.zeros((0, 8, 64, 72, 3), np.uint8),
        np.zeros((8, 64, 72, 3), np.uint8),
    ],
)
def test_clips_that_the_model_does_not_take_are_refused(exported: Path, clips: np.ndarray) -> None:
    with pytest.raises(TrainerError) as caught:
        quantise_encoder(model_dir=exported, calibration_clips=moving_clips(1), comparison_clips=clips)
    assert caught.value.code == "INT8_CLIPS"
    assert f"comparison_clips is {clips.dtype} {list(clips.shape)}" in caught.value.message


def test_a_folder_without_a_model_or_with_another_one_is_refused(exported: Path, tmp_path: Path) -> None:
    def attempt(path: Path) -> str:
        with pytest.raises(TrainerError) as caught:
            quantise_encoder(model_dir=path, calibration_clips=moving_clips(1), comparison_clips=moving_clips(1))
        return caught.value.code

    assert attempt(tmp_path) == "INT8_MODEL"
    path = tmp_path / "small"
    shutil.copytree(exported, path)
    with (path / "encoder.onnx").open("ab") as file:
        file.write(b"\0")
    assert attempt(path) == "INT8_MODEL"
    (path / "manifest.json").write_text("{")
    assert attempt(path) == "INT8_MODEL"


def test_figures_need_a_variant_to_belong_to(exported: Path) -> None:
    with pytest.raises(TrainerError) as caught:
        add_variant_figures(model_dir=exported, figures={"recallAt1": 0.5})
    assert caught.value.code == "INT8_MODEL"
