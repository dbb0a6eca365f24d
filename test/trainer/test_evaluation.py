"""Measuring: retrieval against a slow loop, the probe, fine-tuning, and the commands on real prepared data."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cliptrace_trainer.cli import main
from cliptrace_trainer.data.prepare import _write_index
from cliptrace_trainer.data.prepared import PreparedDataset
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.evaluation.embed import Alteration, EvaluationClips, embed_videos, network_input, video_clips
from cliptrace_trainer.evaluation.encoders import encoder_from_checkpoint, random_encoder
from cliptrace_trainer.evaluation.fine_tune import FineTuneOptions, fine_tune, labelled_share
from cliptrace_trainer.evaluation.linear_probe import linear_probe
from cliptrace_trainer.evaluation.protocols import (
    Embedder,
    clip_features,
    evaluation_clips,
    fit_whitening,
    histogram_retrieval,
    retrieval,
)
from cliptrace_trainer.evaluation.retrieval import LabelledVectors, recall_at, unit_rows
from cliptrace_trainer.export.whitening import WhiteningRule
from cliptrace_trainer.training.checkpoint import load_checkpoint
from tiny import CPU, TINY, tiny_run

SPEC = EvaluationClips(clips=3, frames=8, span_seconds=1.0, width=16, height=16)


def random_vectors(count: int, seed: int) -> LabelledVectors:
    random = np.random.default_rng(seed)
    vectors = unit_rows(random.standard_normal((count, 5)))
    return LabelledVectors(vectors=vectors, labels=tuple(random.choice(list("abcd"), count)))


def test_recall_equals_a_slow_loop():
    queries, gallery = random_vectors(30, 0), random_vectors(40, 1)
    recalls = recall_at(queries=queries, gallery=gallery, ranks=(1, 5, 20))
    for k in (1, 5, 20):
        hits = 0
        for vector, label in zip(queries.vectors, queries.labels, strict=True):
            scored = sorted(
                ((float(vector @ other), name) for other, name in zip(gallery.vectors, gallery.labels, strict=True)),
                reverse=True,
            )
            hits += label in [name for _, name in scored[:k]]
        assert recalls[k] == pytest.approx(hits / 30)
    assert recall_at(queries=gallery, gallery=gallery, ranks=(1,))[1] == 1.0


def test_retrieval_without_labels_is_refused():
    empty = LabelledVectors(vectors=np.zeros((0, 5)), labels=())
    with pytest.raises(TrainerError, match="0 labelled queries") as caught:
        recall_at(queries=empty, gallery=random_vectors(3, 0))
    assert caught.value.code == "RETRIEVAL_EMPTY"


def test_video_vectors_keep_timesteps_and_average_clips(make_dataset):
    dataset = make_dataset(videos=3, frames=30)
    encoder = random_encoder(config=TINY, device=CPU)
    rows = embed_videos(features=encoder.model.features, dataset=dataset, spec=SPEC, device=CPU, batch_videos=2)
    with torch.no_grad():
        for row, video in zip(rows, dataset.videos, strict=True):
            clips = video_clips(dataset=dataset, video=video, spec=SPEC)
            parts = []
            for clip in clips:
                features = encoder.model.features(network_input(clips=clip[None], spec=SPEC))[0]
                assert features.shape == (2, 256)
                flat = features.flatten().numpy()
                parts.append(flat / np.linalg.norm(flat))
            wanted = np.mean(parts, axis=0)
            assert np.allclose(row, wanted / np.linalg.norm(wanted), atol=1e-5)


def test_altered_input_is_grey_cropped_and_brighter():
    clips = torch.zeros(1, 2, 20, 20, 3, dtype=torch.uint8)
    clips[:, :, 2:18, 2:18] = torch.tensor([100, 50, 20], dtype=torch.uint8)
    spec = replace(SPEC, width=16, height=16, mean=(0, 0, 0), std=(1, 1, 1))
    changed = network_input(clips=clips, spec=spec, alteration=Alteration())
    grey = (0.299 * 100 + 0.587 * 50 + 0.114 * 20) / 255 * 1.3
    assert torch.allclose(changed, torch.full_like(changed, grey), atol=1e-3)


def test_colours_are_found_by_histogram_but_not_when_queries_are_grey(make_dataset):
    gallery = make_dataset(name="gallery", videos=12, classes=3)
    queries = make_dataset(name="queries", videos=6, classes=3, seed=100)
    recalls = histogram_retrieval(spec=SPEC, gallery=gallery, queries=queries, ranks=(1,))
    assert recalls["plain"][1] == 1.0
    assert recalls["altered"][1] < 0.7


def test_whitened_features_have_unit_covariance(make_dataset):
    dataset = make_dataset(videos=60)
    encoder = random_encoder(config=TINY, device=CPU)
    whitening = fit_whitening(
        encoder=encoder, dataset=dataset, spec=SPEC, device=CPU, dimension_out=4, rule=WhiteningRule(shrinkage=1e-6)
    )
    rows = clip_features(encoder=encoder, dataset=dataset, spec=SPEC, device=CPU)
    white = whitening.apply(torch.from_numpy(rows)).numpy()
    assert np.allclose(white.mean(axis=0), 0, atol=1e-3)
    assert np.allclose(np.cov(white.reshape(-1, 4).T), np.eye(4), atol=0.02)
    embedder = Embedder(encoder=encoder, spec=SPEC, device=CPU, keep_timesteps=False, whitening=whitening)
    assert embedder.rows(dataset=dataset).shape == (60, 4)


def test_the_linear_probe_separates_what_is_separable_and_names_unknown_classes():
    random = np.random.default_rng(0)
    centres = {"a": (4, 0, 0), "b": (0, 4, 0), "c": (0, 0, 4)}

    def draw(count: int) -> LabelledVectors:
        labels = tuple(random.choice(list(centres), count))
        rows = np.array([centres[label] for label in labels]) + random.standard_normal((count, 3))
        return LabelledVectors(vectors=rows, labels=labels)

    result = linear_probe(train=draw(200), test=draw(200))
    assert result.accuracy > 0.93 and result.classes == 3
    shuffled = draw(200)
    shuffled = LabelledVectors(vectors=shuffled.vectors, labels=tuple(random.permutation(shuffled.labels)))
    assert linear_probe(train=shuffled, test=shuffled).accuracy < 0.6
    other = LabelledVectors(vectors=np.zeros((1, 3)), labels=("zebra",))
    with pytest.raises(TrainerError, match="zebra") as caught:
        linear_probe(train=draw(9), test=other)
    assert caught.value.code == "PROBE_CLASSES"


def test_a_share_of_the_labels_is_taken_from_every_class(make_dataset):
    dataset = make_dataset(videos=20, classes=2)
    share = labelled_share(dataset=dataset, fraction=0.3, seed=1)
    assert [video.label for video in share.videos].count("class0") == 3 and len(share) == 6
    again = labelled_share(dataset=dataset, fraction=0.3, seed=1)
    assert share.videos == again.videos
    assert share.videos != labelled_share(dataset=dataset, fraction=0.3, seed=2).videos
    assert len(labelled_share(dataset=dataset, fraction=0.01, seed=0)) == 2
    with pytest.raises(TrainerError) as caught:
        FineTuneOptions(label_fraction=1.5)
    assert caught.value.code == "LABEL_FRACTION_INVALID"


def test_fine_tuning_learns_colours(make_dataset):
    train = make_dataset(name="train", videos=12, classes=2)
    test = make_dataset(name="test", videos=6, classes=2, seed=50)
    said: list[str] = []
    result = fine_tune(
        encoder=random_encoder(config=TINY, device=CPU),
        train=train,
        test=test,
        spec=SPEC,
        options=FineTuneOptions(epochs=12, batch_size=4, learning_rate=1e-3, head_learning_rate=1e-2),
        device=CPU,
        say=said.append,
    )
    assert result.accuracy == 1.0 and result.labelled_videos == 12 and result.classes == 2
    assert len(said) == 12


def test_a_trained_checkpoint_is_measured_as_it_was_saved(make_dataset, tmp_path, capsys):
    dataset = make_dataset(videos=12, classes=3)
    run = tiny_run(dataset=dataset, out=tmp_path / "run", epochs=1)
    run.train()
    encoder = encoder_from_checkpoint(path=tmp_path / "run" / "last.pt", device=CPU)
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, encoder.model.state_dict()[name])
    spec = evaluation_clips(encoder=encoder, clips=2)
    embedder = Embedder(encoder=encoder, spec=spec, device=CPU, keep_timesteps=True)
    wanted = retrieval(embedder=embedder, gallery=dataset, queries=dataset)
    command = ["evaluate", "retrieval", "--gallery", str(dataset.folder), "--queries", str(dataset.folder)]
    flags = ["--checkpoint", str(tmp_path / "run" / "last.pt"), "--clips", "2", "--json", "--histogram", "--random"]
    assert main([*command, *flags]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert len(printed) == 3
    measured = printed[str(tmp_path / "run" / "last.pt")]
    assert measured["plain"]["1"] == wanted["plain"][1] == 1.0
    last, best = str(tmp_path / "run" / "last.pt"), str(tmp_path / "run" / "best.pt")
    shutil.copy(last, best)
    assert main([*command, *flags, "--checkpoint", last, best, "--whitening-from", str(dataset.folder)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert list(rows) == ["colour histogram", "random weights", last, best, f"{best}, whitened"]
    assert rows[last] == rows[best] == measured
    assert main([*command, *flags, "--hold-out-groups", "0-2"]) == 0
    assert main([*command, *flags, "--hold-out-groups", "90-95"]) == 1
    assert "GROUPS_EMPTY" in capsys.readouterr().err


def test_ucf101_from_its_videos_and_lists_in_one_command(tmp_path, make_video, ffmpeg, monkeypatch, capsys):
    monkeypatch.setenv("FFMPEG_PATH", str(ffmpeg))
    lists: dict[str, list[str]] = {"train": [], "test": []}
    for split, groups in (("train", (8, 9, 10)), ("test", (1,))):
        for label, colour in (("Run", "red"), ("Swim", "blue")):
            for group in groups:
                name = f"{label}/v_{label}_g{group:02d}_c01.avi"
                source = f"color={colour}:size=64x48:rate=25"
                make_video(tmp_path / "videos" / name, source=source, seconds=1)
                lists[split].append(name)
    for split, names in lists.items():
        (tmp_path / f"{split}list01.txt").write_text("\n".join(names))
    command = ["evaluate", "ucf101", "--videos", str(tmp_path / "videos"), "--splits", str(tmp_path)]
    flags = [
        "--prepared",
        str(tmp_path / "prepared"),
        "--width",
        "32",
        "--height",
        "32",
        "--size",
        "32",
        "--clips",
        "2",
    ]
    tuning = ["--fine-tune", "--epochs", "1", "--label-fraction", "0.5"]
    assert main([*command, *flags, *tuning]) == 0
    said = capsys.readouterr().out
    assert "linear probe: 1.000 of 2 test videos, 2 classes" in said
    assert "fine-tuning with 4 labelled videos" in said
    assert "plain R@1" in said
    assert main(["evaluate", "linear-probe", "--train", f"{tmp_path / 'prepared'}:train",
                 "--test", f"{tmp_path / 'prepared'}:validation"]) == 1  # fmt: skip
    assert "SPLIT_EMPTY" in capsys.readouterr().err


def test_the_ablation_prints_every_step_and_goes_on_where_it_was(make_dataset, tmp_path, capsys):
    dataset = make_dataset(videos=8)
    folder = str(dataset.folder)
    command = ["ablation", "--data", folder, "--gallery", folder, "--queries", folder, "--out", str(tmp_path / "runs")]
    flags = ["--epochs", "1", "--width", "32", "--height", "32", "--batch-size", "4", "--clips", "1", "--json"]
    assert main([*command, *flags]) == 0
    rows = printed_json(capsys.readouterr().out)
    assert list(rows) == [
        "colour histogram", "random weights", "instance contrast", "+ local-local", "+ global-local (TCLR)",
    ]  # fmt: skip
    weights = load_checkpoint(tmp_path / "runs" / "locallocal" / "last.pt")["config"]["weights"]
    assert weights["local_local"] == 1.0 and weights["global_local"] == 0.0
    saved = (tmp_path / "runs" / "instancecontrast" / "last.pt").read_bytes()
    assert main([*command, *flags]) == 0
    assert printed_json(capsys.readouterr().out) == rows
    assert (tmp_path / "runs" / "instancecontrast" / "last.pt").read_bytes() == saved


def printed_json(text: str) -> dict:
    """The document at the end of the output, after the runs' own lines."""
    return json.loads(text[text.index("{") :])


def test_sets_without_labels_or_shared_classes_are_refused(make_dataset, tmp_path, capsys):
    known = make_dataset(name="known", classes=1)
    other = make_dataset(name="other", classes=2)
    alien = PreparedDataset.open(other.folder).where(lambda video: video.label == "class1")
    _write_index(out=other.folder, frame_format=other.frame_format, videos=list(alien.videos))
    bare = make_dataset(name="bare")
    unlabelled = [replace(video, label=None) for video in bare.videos]
    _write_index(out=bare.folder, frame_format=bare.frame_format, videos=unlabelled)
    run = ["train", "--data", str(known.folder), "--out", str(tmp_path / "run"), "--evaluate-gallery"]
    for command, code in (
        (["evaluate", "retrieval", "--gallery", bare, "--queries", bare], "DATASET_EMPTY"),
        (["evaluate", "retrieval", "--gallery", known, "--queries", other], "DATASET_EMPTY"),
        (["evaluate", "linear-probe", "--train", bare, "--test", bare], "PROBE_CLASSES"),
        (["evaluate", "linear-probe", "--train", known, "--test", bare], "PROBE_CLASSES"),
        (["evaluate", "linear-probe", "--train", known, "--test", other], "PROBE_CLASSES"),
        (["evaluate", "fine-tune", "--train", known, "--test", bare], "PROBE_CLASSES"),
        (["evaluate", "fine-tune", "--train", known, "--test", other], "PROBE_CLASSES"),
        ([*run, known, "--evaluate-queries", bare], "RETRIEVAL_EMPTY"),
        ([*run, known, "--evaluate-queries", other], "RETRIEVAL_EMPTY"),
    ):
        words = [str(word.folder) if isinstance(word, PreparedDataset) else word for word in command]
        sizes = ["--size", "16", "--clips", "1"] if words[0] == "evaluate" else []
        assert main([*words, *sizes]) == 1, words
        assert code in capsys.readouterr().err, words


def test_missing_checkpoints_are_named(make_dataset, capsys):
    folder = str(make_dataset().folder)
    code = main(["evaluate", "linear-probe", "--train", folder, "--test", folder, "--checkpoint", "nowhere.pt"])
    assert code == 1
    assert "CHECKPOINT_MISSING: nowhere.pt" in capsys.readouterr().err
    assert main(["evaluate", "linear-probe", "--train", str(Path(folder) / "x"), "--test", folder]) == 1
    assert "DATASET_MISSING" in capsys.readouterr().err
