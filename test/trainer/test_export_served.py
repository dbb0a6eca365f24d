"""Exported encoders on prepared datasets: byte clips, recall, and the two commands on real files."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from cliptrace_trainer.backbones import build_backbone
from cliptrace_trainer.cli import main
from cliptrace_trainer.data.prepared import PreparedDataset
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.evaluation.embed import Alteration, EvaluationClips, embed_videos, labelled
from cliptrace_trainer.evaluation.retrieval import recall_at
from cliptrace_trainer.export.served import ServedClips, sample_clips, served_recall
from export_helpers import COLOURS, SMALL, export, settled_backbone

MakeDataset = Callable[..., PreparedDataset]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("served") / "small"
    export(path, settled_backbone())
    return path


def test_clips_are_bytes_of_the_size_that_the_manifest_states(folder: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(videos=3)
    served = ServedClips.of_model(folder, clips=2)
    assert served.span_seconds == 1.0
    clips = served.of_video(dataset, dataset.videos[0])
    assert (clips.dtype, clips.shape) == (np.uint8, (2, 8, 64, 72, 3))
    # Resizing keeps the mean colour of a frame to a byte or two.
    assert np.abs(clips[0].mean(axis=(0, 1, 2)) - dataset.frames(dataset.videos[0])[:8].mean(axis=(0, 1, 2))).max() < 3
    grey = served.of_video(dataset, dataset.videos[0], alteration=Alteration())
    assert np.array_equal(grey[..., 0], grey[..., 2])


def test_a_sample_takes_each_video_once(folder: Path, make_dataset: MakeDataset) -> None:
    dataset = make_dataset(videos=5)
    served = ServedClips.of_model(folder, clips=1)
    clips = sample_clips(dataset=dataset, served=served, count=99)
    assert len(clips) == 5
    assert len({clip.tobytes() for clip in clips}) == 5
    assert np.array_equal(clips, sample_clips(dataset=dataset, served=served, count=99))


def test_recall_of_the_file_is_recall_of_the_network(folder: Path, make_dataset: MakeDataset) -> None:
    gallery = make_dataset(name="gallery", videos=9, classes=3)
    queries = make_dataset(name="queries", videos=6, classes=3, seed=50)
    found = served_recall(
        model=folder / "encoder.onnx",
        served=ServedClips.of_model(folder, clips=2),
        gallery=gallery,
        queries=queries,
        ranks=(1, 3),
    )
    backbone = settled_backbone()
    spec = EvaluationClips(
        clips=2, frames=8, span_seconds=1.0, width=SMALL.width, height=SMALL.height, mean=COLOURS.mean, std=COLOURS.std
    )

    def vectors(dataset: PreparedDataset):
        rows = embed_videos(
            features=backbone, dataset=dataset, spec=spec, device=torch.device("cpu"), keep_timesteps=False
        )
        return labelled(vectors=rows, dataset=dataset)

    assert found["plain"] == recall_at(queries=vectors(queries), gallery=vectors(gallery), ranks=(1, 3))
    assert found["plain"][3] >= found["plain"][1] > 1 / 3


def test_quantise_measures_recall_of_both(make_dataset: MakeDataset, tmp_path: Path) -> None:
    model = tmp_path / "model"
    export(model, settled_backbone())
    train, dev = make_dataset(name="train", videos=9, classes=3), make_dataset(name="dev", videos=3, classes=3, seed=9)
    arguments = ["--calibrate-on", str(train.folder), "--calibration-clips", "6", "--comparison-clips", "3"]
    recall = ["--gallery", str(train.folder), "--queries", str(dev.folder), "--clips", "1"]
    assert main(["quantise", "--model", str(model), *arguments, *recall]) == 0
    measured = json.loads((model / "manifest.json").read_text())["variants"][0]["measured"]
    assert (measured["calibrationClips"], measured["comparisonClips"]) == (6, 3)
    for key in ("recall", "float32Recall"):
        assert set(measured[key]) == {"plain", "altered"}
        assert 0 <= measured[key]["plain"]["recall_at_1"] <= measured[key]["plain"]["recall_at_20"] == 1


def test_quantise_names_what_is_missing(
    folder: Path, make_dataset: MakeDataset, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    one = str(make_dataset(name="one", videos=1, classes=1).folder)
    cases = {
        "MODEL_FOLDER": ["--model", str(tmp_path / "absent"), "--calibrate-on", one],
        "ARGUMENTS": ["--model", str(folder), "--calibrate-on", one, "--gallery", one],
        "INT8_CLIPS": ["--model", str(folder), "--calibrate-on", one],
        "DATASET_MISSING": ["--model", str(folder), "--calibrate-on", str(tmp_path / "absent")],
    }
    for code, arguments in cases.items():
        assert main(["quantise", *arguments]) == 1
        assert capsys.readouterr().err.startswith(f"{code}: ")


def test_a_model_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainerError) as caught:
        ServedClips.of_model(tmp_path, clips=1)
    assert caught.value.code == "MODEL_FOLDER"
    assert str(tmp_path) in caught.value.message


def test_import_answers_a_wrong_file(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "compact.pth"
    torch.save(build_backbone(name="compact-r3d").state_dict(), path)
    out = tmp_path / "out"
    code = main(["import", "--checkpoint", str(path), "--architecture", "rpd18", "--out", str(out)])
    assert code == 1
    assert capsys.readouterr().err.startswith("IMPORT_WRONG_ARCHITECTURE: ")
    assert not out.exists()
