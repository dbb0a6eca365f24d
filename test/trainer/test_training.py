"""Training: what it learns, what it refuses, what it says and saves."""

import csv
import resource
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cliptrace_trainer.augment import AugmentationRanges
from cliptrace_trainer.backbones import BACKBONE_NAMES, build_backbone
from cliptrace_trainer.cli import main
from cliptrace_trainer.data.prepared import PreparedDataset
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.losses import LossWeights
from cliptrace_trainer.training.ahead import ahead
from cliptrace_trainer.training.build import build_model
from cliptrace_trainer.training.checkpoint import load_checkpoint
from cliptrace_trainer.training.config import PRESETS, TrainingConfig
from cliptrace_trainer.training.examples import EpochBatches, TclrExamples, collate
from cliptrace_trainer.training.memory import saved_activation_bytes
from cliptrace_trainer.training.precision import best_precision, check_precision
from cliptrace_trainer.training.recompute import checkpoint_activations
from cliptrace_trainer.training.schedule import Schedule
from cliptrace_trainer.training.step import TclrForward, batch_loss, training_step
from cliptrace_trainer.training.views import augment_batch
from tiny import CPU, TINY, tiny_run


def example_batch(dataset, config=TINY, videos=4):
    examples = TclrExamples(dataset=dataset, layout=config.layout, ranges=config.augmentation, seed=config.seed)
    return collate([examples[0, index] for index in range(videos)])


def curve_rows(out):
    with (out / "curves.csv").open() as stream:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(stream)]


def test_the_loss_falls(make_dataset, tmp_path):
    mild = AugmentationRanges(area=(0.8, 1.0), colour_probability=0.0, grey_probability=0.0, erase_probability=0.0)
    run = tiny_run(
        dataset=make_dataset(videos=8, classes=3),
        out=tmp_path / "run",
        augmentation=mild,
        weights=LossWeights(instance_local=0, local_local=0, global_local=0),
        batch_size=8,
        epochs=24,
        learning_rate=3e-3,
    )
    run.train()
    totals = [row["total"] for row in curve_rows(tmp_path / "run")]
    assert np.mean(totals[-6:]) < 0.7 * np.mean(totals[:6])


def test_every_term_of_every_step_is_in_the_csv_and_every_epoch_is_told(make_dataset, tmp_path):
    said: list[str] = []
    result = tiny_run(dataset=make_dataset(videos=12), out=tmp_path / "run", said=said).train()
    assert result.finished and result.progress.step == 6
    rows = curve_rows(tmp_path / "run")
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    terms = ("instance_global", "instance_local", "local_local", "global_local")
    for row in rows:
        assert row["total"] == pytest.approx(sum(row[name] for name in terms), rel=1e-4)
    assert len([line for line in said if line.startswith("epoch ")]) == 2


def test_an_example_depends_on_seed_epoch_and_index_only(make_dataset):
    dataset = make_dataset()
    first = TclrExamples(dataset=dataset, layout=TINY.layout, ranges=TINY.augmentation, seed=1)
    again = TclrExamples(dataset=dataset, layout=TINY.layout, ranges=TINY.augmentation, seed=1)
    np.random.seed(99)  # the global state must not matter
    assert np.array_equal(first[2, 5].global_clips, again[2, 5].global_clips)
    assert first[2, 5].augmentations[0][0].crop == again[2, 5].augmentations[0][0].crop
    crops = {item.crop for epoch in range(2) for view in first[epoch, 5].augmentations for item in view}
    assert len(crops) == 2 * 2 * 3


def test_instance_epochs_contrast_two_moments_of_a_video_and_leave_the_later_epochs_as_they_were(make_dataset):
    dataset = make_dataset()
    plain = TclrExamples(dataset=dataset, layout=TINY.layout, ranges=TINY.augmentation, seed=1)
    first = TclrExamples(dataset=dataset, layout=TINY.layout, ranges=TINY.augmentation, seed=1, instance_epochs=1)
    early = first[0, 5]
    assert early.local_clips is None and len(early.global_clips) == 2
    pairs = [first[0, index].global_clips for index in range(len(first))]
    assert any(not np.array_equal(*pair) for pair in pairs)
    later = first[1, 5]
    assert len(later.global_clips) == 1 and np.array_equal(later.local_clips, plain[1, 5].local_clips)
    assert later.augmentations[1][0].crop == plain[1, 5].augmentations[1][0].crop

    batch = collate([first[0, index] for index in range(4)])
    clips = augment_batch(batch=batch, config=TINY, device=CPU)
    assert clips.local_clips is None and clips.global_clips.shape[0] == 2 * 4
    # View 1 is made of the second moment.
    swapped = replace(batch, global_clips=batch.global_clips.flip(1))
    assert not torch.equal(augment_batch(batch=swapped, config=TINY, device=CPU).global_clips, clips.global_clips)


def test_a_run_goes_from_instance_contrast_to_the_temporal_terms(make_dataset, tmp_path):
    tiny_run(dataset=make_dataset(), out=tmp_path / "run", epochs=2, instance_epochs=1).train()
    for row in curve_rows(tmp_path / "run"):
        early = row["epoch"] < 1
        assert row["instance_global"] > 0
        assert all((row[name] == 0) == early for name in ("instance_local", "local_local", "global_local"))
        if early:
            assert row["total"] == row["instance_global"]


def test_a_run_whose_local_terms_all_weigh_nothing_reads_no_local_clips(make_dataset, tmp_path):
    weights = LossWeights(instance_global=2.0, instance_local=0, local_local=0, global_local=0)
    tiny_run(dataset=make_dataset(), out=tmp_path / "run", weights=weights, epochs=1).train()
    for row in curve_rows(tmp_path / "run"):
        assert row["total"] == pytest.approx(2 * row["instance_global"], rel=1e-4)


def test_ranks_share_an_epoch_without_overlap():
    whole = [key for batch in EpochBatches(videos=21, batch_size=8, seed=1, epoch=3) for key in batch]
    parts = [EpochBatches(videos=21, batch_size=4, seed=1, epoch=3, rank=rank, ranks=2) for rank in (0, 1)]
    joint = [key for pair in zip(*parts, strict=True) for batch in pair for key in batch]
    assert joint == whole and len(set(whole)) == 16
    rest = EpochBatches(videos=21, batch_size=8, seed=1, epoch=3, first_batch=1)
    assert [key for batch in rest for key in batch] == whole[8:]


def test_a_batch_larger_than_the_dataset_is_refused(make_dataset, tmp_path, capsys):
    run = tiny_run(dataset=make_dataset(videos=3), out=tmp_path / "run")
    with pytest.raises(TrainerError, match="the dataset has 3; give --batch-size 3") as caught:
        run.train()
    assert caught.value.code == "BATCH_TOO_LARGE"
    folder = str(tmp_path / "prepared")
    code = main(["train", "--data", folder, "--out", str(tmp_path / "x"), "--preset", "compact-cpu"])
    assert code == 1
    assert "BATCH_TOO_LARGE" in capsys.readouterr().err
    with pytest.raises(TrainerError, match="--accumulation 2 needs that many batches, an epoch has 1"):
        tiny_run(dataset=make_dataset(name="other"), out=tmp_path / "y", batch_size=5, accumulation=2).train()


def test_a_loss_that_is_not_finite_stops_with_the_batch_named_and_keeps_the_checkpoint(make_dataset, tmp_path):
    dataset = make_dataset()
    run = tiny_run(dataset=dataset, out=tmp_path / "run", epochs=1)
    run.train()
    before = load_checkpoint(tmp_path / "run" / "last.pt")["model"]
    run = tiny_run(dataset=dataset, out=tmp_path / "run", epochs=2)
    run.resume(tmp_path / "run" / "last.pt")
    with torch.no_grad():
        next(run.model.parameters()).fill_(float("nan"))
    with pytest.raises(TrainerError) as caught:
        run.train()
    assert caught.value.code == "LOSS_NOT_FINITE"
    named = [video.id for video in dataset.videos if video.id in caught.value.message]
    assert len(named) == TINY.batch_size
    after = load_checkpoint(tmp_path / "run" / "last.pt")["model"]
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_checkpoint_of_another_architecture_is_refused_by_name(make_dataset, tmp_path, capsys):
    dataset = make_dataset()
    tiny_run(dataset=dataset, out=tmp_path / "run", epochs=1).train()
    saved = (tmp_path / "run" / "last.pt").read_bytes()
    other = tiny_run(dataset=dataset, out=tmp_path / "run", backbone="compact-x3d")
    with pytest.raises(TrainerError, match="compact-x3d") as caught:
        other.resume(tmp_path / "run" / "last.pt")
    assert caught.value.code == "CHECKPOINT_OTHER_ARCHITECTURE"
    command = ["train", "--data", str(dataset.folder), "--out", str(tmp_path / "run"), "--resume"]
    assert main([*command, "--backbone", "r3d18"]) == 1
    assert "CHECKPOINT_OTHER_ARCHITECTURE" in capsys.readouterr().err
    assert main([*command, "--seed", "99"]) == 1
    assert "RESUME_CHANGED: seed" in capsys.readouterr().err
    assert main(command[:-1]) == 1
    assert "RUN_EXISTS" in capsys.readouterr().err
    assert (tmp_path / "run" / "last.pt").read_bytes() == saved


def test_a_checkpoint_with_parts_missing_or_foreign_is_refused(make_dataset, tmp_path, capsys):
    folder = str(make_dataset().folder)
    tiny_run(dataset=PreparedDataset.open(Path(folder)), out=tmp_path / "run", epochs=1).train()
    last = tmp_path / "run" / "last.pt"
    whole = load_checkpoint(last)
    layout = whole["config"]["layout"] | {"unknown": 1}
    groups = [{**group, "params": group["params"][:-1]} for group in whole["optimizer"]["param_groups"]]
    damaged = [
        {name: value for name, value in whole.items() if name != "progress"},
        {name: value for name, value in whole.items() if name != "optimizer"},
        whole | {"config": whole["config"] | {"layout": layout}},
        whole | {"optimizer": whole["optimizer"] | {"param_groups": groups}},
        whole | {"random": {}},
    ]
    for content in damaged:
        torch.save(content, last)
        saved = last.read_bytes()
        assert main(["train", "--data", folder, "--out", str(last.parent), "--resume", "--device", "cpu"]) == 1
        assert "CHECKPOINT_INVALID" in capsys.readouterr().err
        assert last.read_bytes() == saved
    # What is measured and exported needs no optimizer.
    torch.save(damaged[1], last)
    assert main(["evaluate", "linear-probe", "--train", folder, "--test", folder, "--checkpoint", str(last)]) == 0


def test_files_that_are_no_checkpoint_are_refused(tmp_path):
    with pytest.raises(TrainerError) as caught:
        load_checkpoint(tmp_path / "last.pt")
    assert caught.value.code == "CHECKPOINT_MISSING"
    for content in (b"", b"text", {"state_dict": {}}):
        if isinstance(content, bytes):
            (tmp_path / "last.pt").write_bytes(content)
        else:
            torch.save(content, tmp_path / "last.pt")
        with pytest.raises(TrainerError) as caught:
            load_checkpoint(tmp_path / "last.pt")
        assert caught.value.code == "CHECKPOINT_INVALID"


def test_a_full_disk_while_saving_keeps_the_earlier_checkpoint(make_dataset, tmp_path):
    dataset = make_dataset()
    run = tiny_run(dataset=dataset, out=tmp_path / "run", epochs=1)
    run.train()
    saved = (tmp_path / "run" / "last.pt").read_bytes()
    again = tiny_run(dataset=dataset, out=tmp_path / "run", epochs=2)
    again.resume(tmp_path / "run" / "last.pt")
    # The kernel refuses to write past this size, as it does on a full disk.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(saved) // 2, hard))
    try:
        with pytest.raises(TrainerError, match="the earlier file is kept") as caught:
            again.train()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == "DISK_FULL"
    assert (tmp_path / "run" / "last.pt").read_bytes() == saved
    assert [file.name for file in (tmp_path / "run").iterdir() if "partial" in file.name] == []


def test_accumulated_batches_give_the_mean_of_their_gradients(make_dataset, tmp_path):
    dataset = make_dataset()
    run = tiny_run(dataset=dataset, out=tmp_path / "run", accumulation=2, epochs=1)
    assert run.train().progress.step == 1
    torch.manual_seed(TINY.seed)
    model = build_model(config=TINY)
    forward = TclrForward(model=model)
    examples = TclrExamples(dataset=dataset, layout=TINY.layout, ranges=TINY.augmentation, seed=TINY.seed)
    for keys in EpochBatches(videos=8, batch_size=4, seed=TINY.seed, epoch=0):
        clips = augment_batch(batch=collate([examples[key] for key in keys]), config=TINY, device=CPU)
        (
            batch_loss(forward=forward, clips=clips, config=TINY, weights=TINY.weights, gather=None, parts=2).total / 2
        ).backward()
    kept = {name: parameter.grad for name, parameter in run.model.named_parameters()}
    for name, parameter in model.named_parameters():
        assert torch.allclose(parameter.grad, kept[name], rtol=1e-4, atol=1e-6), name


def test_accumulated_temporal_terms_are_those_of_the_joint_batch(make_dataset):
    examples = TclrExamples(dataset=make_dataset(), layout=TINY.layout, ranges=TINY.augmentation, seed=TINY.seed)
    config = replace(TINY, weights=LossWeights(instance_global=0, instance_local=0))

    def gradients(parts: list[list[int]]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        torch.manual_seed(0)
        # Frozen statistics: a batch norm that learns sees one part at a time, whatever is done about the loss.
        model = build_model(config=config).eval()
        batches = [
            augment_batch(batch=collate([examples[0, index] for index in part]), config=config, device=CPU)
            for part in parts
        ]
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        terms = training_step(
            batches=batches,
            forward=TclrForward(model=model),
            optimizer=optimizer,
            scaler=torch.amp.GradScaler("cpu", enabled=False),
            config=config,
            weights=config.weights,
            device=CPU,
            gather=None,
        )
        return {name: parameter.grad for name, parameter in model.named_parameters()}, terms

    joint, joint_terms = gradients([[0, 1, 2, 3, 4, 5]])
    accumulated, terms = gradients([[0, 1], [2, 3], [4, 5]])
    assert torch.allclose(terms, joint_terms, rtol=1e-4)
    whole = torch.stack([gradient.norm() for gradient in joint.values()]).norm()
    for name, gradient in joint.items():
        assert (accumulated[name] - gradient).norm() <= 1e-4 * gradient.norm() + 1e-6 * whole, name


def test_a_gradient_that_is_not_finite_stops_before_it_spoils_the_weights(make_dataset, tmp_path):
    dataset = make_dataset()
    run = tiny_run(dataset=dataset, out=tmp_path / "run", epochs=1)
    weight = next(run.model.parameters())
    weight.register_hook(lambda gradient: gradient * float("inf"))
    before = weight.detach().clone()
    with pytest.raises(TrainerError, match=r"\.avi, ") as caught:
        run.train()
    assert caught.value.code == "GRADIENT_NOT_FINITE"
    assert torch.equal(weight, before)


@pytest.mark.parametrize(("backbone", "blocks"), [("compact-r3d", 3), ("c3d", 8)])
def test_activation_checkpointing_changes_neither_gradients_nor_batch_norm_statistics(make_dataset, backbone, blocks):
    batch = example_batch(make_dataset())
    results = []
    for recompute in (False, True):
        torch.manual_seed(0)
        model = build_model(config=replace(TINY, backbone=backbone)).train()
        if recompute:
            assert checkpoint_activations(model.backbone) == blocks
        clips = augment_batch(batch=batch, config=TINY, device=CPU)
        forward = TclrForward(model=model)
        batch_loss(forward=forward, clips=clips, config=TINY, weights=TINY.weights, gather=None).total.backward()
        results.append(({n: p.grad for n, p in model.named_parameters()}, model.state_dict()))
    (gradients, state), (gradients_again, state_again) = results
    assert all(torch.allclose(gradients[name], gradients_again[name], atol=1e-5) for name in gradients)
    assert all(torch.equal(state[name], state_again[name]) for name in state)


def test_bfloat16_and_channels_last_train(make_dataset, tmp_path):
    run = tiny_run(
        dataset=make_dataset(),
        out=tmp_path / "run",
        backbone="compact-r21d",
        precision="bfloat16",
        channels_last=True,
        width=32,
        height=32,
        epochs=1,
    )
    assert run.train().finished
    assert all(parameter.dtype == torch.float32 for parameter in run.model.parameters())


def test_the_precision_is_bfloat16_where_the_processor_has_it_and_computes_it_rightly(monkeypatch):
    def best(backbone: torch.nn.Module, **capabilities: bool) -> str:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
        monkeypatch.setattr("cliptrace_trainer.training.precision.build_backbone", lambda **_: backbone)
        return best_precision(config=TINY, device=CPU)

    sound = build_backbone(name="compact-r21d")
    assert best(sound, avx2=True, avx512_bf16=False) == "float32"
    assert best(sound, avx512_bf16=True) == "bfloat16"
    assert best(RightInFloat32Only(), avx512_bf16=True) == "float32"


class RightInFloat32Only(torch.nn.Module):
    """A convolution whose weight gradient is replaced by noise under autocast."""

    name, dimension = "right-in-float32-only", 4

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv3d(3, 4, 3)

    def forward(self, clips):
        weight = self.conv.weight
        if torch.is_autocast_enabled("cpu"):
            noise = torch.randn(weight.shape, generator=torch.Generator().manual_seed(5))
            weight = weight.detach() + 1e3 * noise * (weight - weight.detach())
        return torch.nn.functional.conv3d(clips, weight).mean(dim=(3, 4)).transpose(1, 2)


def test_wrong_gradients_in_reduced_precision_are_noticed_before_training():
    backbone = RightInFloat32Only()
    before = backbone.conv.weight.clone()
    check_precision(backbone=backbone, config=TINY, device=CPU)
    with pytest.raises(TrainerError, match=r"conv\.weight") as caught:
        check_precision(backbone=backbone, config=replace(TINY, precision="bfloat16"), device=CPU)
    assert caught.value.code == "PRECISION_UNSOUND"
    assert torch.equal(backbone.conv.weight, before) and backbone.conv.weight.grad is None


def test_the_paper_schedule_warms_up_and_drops_tenfold_on_a_plateau():
    schedule = Schedule(config=replace(PRESETS["paper"], plateau_epochs=3))
    warm_up = [schedule.factor(progress_epochs=epoch + 0.5) for epoch in range(5)]
    assert warm_up == [1 / 100, 1 / 20, 1 / 10, 1 / 2, 1]
    for epoch, loss in enumerate([9, 8, 7, 6, 5, 5, 5, 4, 4, 4, 4]):
        assert schedule.factor(progress_epochs=10) == 1
        schedule.end_epoch(loss=loss, epoch=epoch)
    assert schedule.factor(progress_epochs=10) == pytest.approx(0.1)
    restored = Schedule(config=PRESETS["paper"])
    restored.load_state_dict(schedule.state_dict())
    assert restored.factor(progress_epochs=10) == pytest.approx(0.1)


def test_cosine_and_trapezoid_end_at_zero():
    cosine = Schedule(config=replace(TINY, schedule="cosine", warm_up_epochs=2, epochs=12))
    assert [round(cosine.factor(progress_epochs=e), 3) for e in (1, 2, 7, 12)] == [0.5, 1.0, 0.5, 0.0]
    trapezoid = Schedule(config=replace(TINY, schedule="trapezoid", warm_up_epochs=2, epochs=12, decay_epochs=4))
    assert [trapezoid.factor(progress_epochs=e) for e in (1, 2, 8, 10, 12)] == [0.5, 1, 1, 0.5, 0]


def test_a_configuration_survives_json_and_refuses_nonsense():
    for config in (*PRESETS.values(), TINY):
        assert TrainingConfig.from_json(config.to_json()) == config
    for changes in ({"batch_size": 1}, {"schedule": "steps"}, {"learning_rate": 0.0}, {"precision": "int8"}):
        with pytest.raises(TrainerError, match=next(iter(changes))) as caught:
            replace(TINY, **changes)
        assert caught.value.code == "CONFIGURATION_INVALID"


def test_a_cuda_device_that_is_not_there_is_named(make_dataset, tmp_path, capsys):
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    folder = str(make_dataset().folder)
    assert main(["train", "--data", folder, "--out", str(tmp_path / "x"), "--device", "cuda"]) == 1
    assert "DEVICE_UNAVAILABLE" in capsys.readouterr().err


def test_items_made_ahead_keep_their_order_and_their_errors():
    assert list(ahead(range(5))) == [0, 1, 2, 3, 4]

    def failing():
        yield 1
        raise TrainerError("LOST", "gone")

    items = ahead(failing())
    assert next(items) == 1
    with pytest.raises(TrainerError, match="gone"):
        next(items)
    made = []
    endless = ahead(made.append(number) or number for number in range(1000))
    assert next(endless) == 0
    endless.close()
    assert len(made) < 5 and threading.active_count() < 10


@pytest.mark.parametrize("name", BACKBONE_NAMES)
def test_activation_checkpointing_keeps_fewer_bytes_for_the_backward_pass(name):
    torch.manual_seed(0)
    clips = torch.randn(2, 3, 8, 32, 32)
    plain = saved_activation_bytes(network=build_backbone(name=name), clips=clips)
    backbone = build_backbone(name=name)
    checkpoint_activations(backbone)
    less = saved_activation_bytes(network=backbone, clips=clips)
    assert clips.nbytes < less < 0.75 * plain


def test_the_memory_command_prints_what_is_kept_with_and_without_checkpointing(capsys):
    assert main(["memory", "--backbone", "compact-r3d", "--size", "32", "--frames", "8", "--batch-size", "1000"]) == 0
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines()[2:]]
    assert [(row[0].strip(), row[1].strip()) for row in rows] == [
        ("compact-r3d", "float32"),
        ("compact-r3d", "bfloat16"),
    ]
    for row in rows:
        plain, less = float(row[4]), float(row[5])
        assert 0 < less < plain


def test_a_dataset_slower_than_the_local_clips_is_told(make_dataset, tmp_path):
    said: list[str] = []
    tiny_run(dataset=make_dataset(frames_per_second=4), out=tmp_path / "run", said=said)
    assert any("want 8 frames a second, the dataset has 4" in line for line in said)
    said.clear()
    tiny_run(dataset=make_dataset(name="fast", frames_per_second=8), out=tmp_path / "run", said=said)
    assert said == []


def test_best_is_not_replaced_by_a_worse_score_after_a_resume(make_dataset, tmp_path):
    dataset = make_dataset()
    scores = iter([0.5, 0.3, 0.6])
    for epochs in (1, 2, 3):
        run = tiny_run(dataset=dataset, out=tmp_path / "run", epochs=epochs)
        run._evaluate = lambda _: {"recall_at_1": next(scores)}
        if epochs > 1:
            run.resume(tmp_path / "run" / "last.pt")
        run.train()
        best = load_checkpoint(tmp_path / "run" / "best.pt")["progress"]
        assert best["epoch"] == (1, 1, 3)[epochs - 1]


def test_saving_the_best_does_not_put_off_saving_the_last(make_dataset, tmp_path):
    scores = iter([0.1, 0.2, 0.3])
    options = {"evaluate_every_epochs": 1, "save_every_seconds": 1000.0}
    run = tiny_run(dataset=make_dataset(), out=tmp_path / "run", epochs=3, options=options)
    saved = []

    def evaluate(_: torch.nn.Module) -> dict[str, float]:
        run._last_save = -np.inf
        if (tmp_path / "run" / "last.pt").is_file():
            saved.append(load_checkpoint(tmp_path / "run" / "last.pt")["progress"]["epoch"])
        return {"recall_at_1": next(scores)}

    run._evaluate = evaluate
    run.train()
    # The end of each epoch was saved, and so was there when the next one was measured.
    assert saved == [1, 2]


def test_a_full_disk_while_a_curve_is_written_is_told_and_keeps_its_rows(make_dataset, tmp_path):
    dataset = make_dataset(videos=12)
    tiny_run(dataset=dataset, out=tmp_path / "run", epochs=1).train()
    before = (tmp_path / "run" / "curves.csv").read_bytes()
    saved = (tmp_path / "run" / "last.pt").read_bytes()
    again = tiny_run(dataset=dataset, out=tmp_path / "run", epochs=2)
    again.resume(tmp_path / "run" / "last.pt")
    for room in (len(before) - 10, len(before) + 10):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        try:
            with pytest.raises(TrainerError, match="--resume") as caught:
                again.train()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert caught.value.code == "DISK_FULL"
        assert (tmp_path / "run" / "curves.csv").read_bytes().startswith(before)
        assert (tmp_path / "run" / "last.pt").read_bytes() == saved
