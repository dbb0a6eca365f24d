"""Videos that can no longer be read while a run goes on: batches keep their size, and every one is named."""

import json
import os

import pytest
import torch
from cliptrace_trainer.data.prepared import PreparedDataset
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.training.examples import EpochBatches, TclrExamples
from cliptrace_trainer.training.feed import augmented_batches
from tiny import CPU, TINY, tiny_run


def told(said: list[str]) -> list[str]:
    return [line for line in said if "could not be read" in line]


@pytest.mark.parametrize("workers", [0, 1])
def test_another_video_stands_in_for_one_that_is_lost(make_dataset, workers):
    dataset = make_dataset(videos=8)
    # The shard ends inside the last video.
    os.truncate(dataset.folder / "frames-00000.rgb", (dataset.folder / "frames-00000.rgb").stat().st_size - 5)
    lost = dataset.videos[-1].id
    batches = EpochBatches(videos=8, batch_size=4, seed=3, epoch=0)
    feed = augmented_batches(dataset=dataset, config=TINY, batches=batches, device=CPU, workers=workers)
    seen = list(feed)
    assert [len(set(batch.video_ids)) for batch in seen] == [4, 4]
    assert [id for batch in seen for id in batch.lost] == [lost]
    assert all(lost not in batch.video_ids for batch in seen)


def test_the_others_of_a_batch_stay_as_they_are(make_dataset):
    dataset = make_dataset(videos=8)
    examples = TclrExamples(dataset=dataset, layout=TINY.layout, ranges=TINY.augmentation, seed=1)
    keys = [(0, 7), (0, 1), (0, 2)]
    whole = examples.__getitems__(keys)
    os.truncate(dataset.folder / "frames-00000.rgb", (dataset.folder / "frames-00000.rgb").stat().st_size - 5)
    cut = examples.__getitems__(keys)
    assert cut[0].video_id not in {example.video_id for example in whole} and cut[0].lost == (dataset.videos[7].id,)
    for before, after in zip(whole[1:], cut[1:], strict=True):
        assert (before.global_clips == after.global_clips).all() and after.lost == ()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_batch_that_nothing_can_fill_stops_with_the_video_named(make_dataset, workers):
    dataset = make_dataset(videos=4)
    os.truncate(dataset.folder / "frames-00000.rgb", (dataset.folder / "frames-00000.rgb").stat().st_size - 5)
    batches = EpochBatches(videos=4, batch_size=4, seed=3, epoch=0)
    feed = augmented_batches(dataset=dataset, config=TINY, batches=batches, device=CPU, workers=workers)
    with pytest.raises(TrainerError, match=dataset.videos[-1].id) as caught:
        next(feed)
    assert caught.value.code == "NO_VIDEO_READABLE"


@pytest.mark.parametrize("loss", ["cut", "removed in part"])
def test_a_shard_that_is_cut_during_the_run_is_named_at_the_end_of_that_epoch(make_dataset, tmp_path, loss):
    dataset = make_dataset(videos=9)
    said: list[str] = []
    run = tiny_run(dataset=dataset, out=tmp_path / "run", said=said, epochs=3, options={"evaluate_every_epochs": 1})
    shard = dataset.folder / "frames-00000.rgb"
    size = shard.stat().st_size

    def between_epochs(_: torch.nn.Module) -> dict[str, float]:
        # All frames have been read, so all pages are mapped. A new epoch must not touch those that are gone.
        os.truncate(shard, size - 5 if loss == "cut" else size // 2)
        return {}

    run._evaluate = between_epochs
    assert run.train().progress.step == 6
    first = next(place for place, line in enumerate(said) if line.startswith("epoch 1"))
    second = next(place for place, line in enumerate(said) if line.startswith("epoch 2"))
    assert told(said[:second]) == [] and first < second
    lines = told(said)
    assert lines
    gone = dataset.videos[-1].id if loss == "cut" else dataset.videos[-2].id
    # An epoch of 9 videos in batches of 4 leaves one out, by its order.
    assert any(gone in line for line in lines)
    assert all("run the same `prepare` again" in line for line in lines)


def test_files_that_prepare_could_not_decode_are_named_after_each_epoch(make_dataset, tmp_path):
    dataset = make_dataset()
    rows = [{"id": f"bad{n:02d}.mp4", "path": "x", "code": "VIDEO_UNREADABLE", "message": "x"} for n in range(22)]
    (dataset.folder / "failures.json").write_text(json.dumps(rows))
    said: list[str] = []
    tiny_run(dataset=PreparedDataset.open(dataset.folder), out=tmp_path / "run", said=said).train()
    lines = [line for line in said if line.startswith("22 file(s) took no part")]
    assert len(lines) == TINY.epochs
    assert "bad00.mp4, bad01.mp4" in lines[0] and "and 2 more" in lines[0] and "failures.json" in lines[0]


def test_what_was_lost_before_a_stop_is_still_named_at_the_end_of_its_epoch(make_dataset, tmp_path):
    dataset = make_dataset(videos=8)
    os.truncate(dataset.folder / "frames-00000.rgb", (dataset.folder / "frames-00000.rgb").stat().st_size - 5)
    said: list[str] = []
    part = tiny_run(dataset=dataset, out=tmp_path / "run", said=said, epochs=1, options={"stop_after_steps": 1}).train()
    rest = tiny_run(dataset=dataset, out=tmp_path / "run", said=said, epochs=1)
    rest.resume(part.checkpoint)
    rest.train()
    assert [line.startswith("1 video(s)") and dataset.videos[-1].id in line for line in told(said)] == [True]


def test_a_dataset_of_another_size_is_told_when_a_run_goes_on(make_dataset, tmp_path):
    tiny_run(dataset=make_dataset(videos=8), out=tmp_path / "run", epochs=1).train()
    said: list[str] = []
    run = tiny_run(dataset=make_dataset(name="more", videos=12), out=tmp_path / "run", said=said)
    run.resume(tmp_path / "run" / "last.pt")
    assert any("began with 8 videos, this dataset has 12" in line for line in said)
