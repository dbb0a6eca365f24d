"""Two processes over gloo against one process with the joint batch."""

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
from cliptrace_trainer.training.build import build_model
from cliptrace_trainer.training.checkpoint import load_checkpoint
from cliptrace_trainer.training.distributed import gather_rows, synchronise_batch_norm
from cliptrace_trainer.training.step import TERMS, TclrForward, batch_loss
from cliptrace_trainer.training.views import AugmentedBatch
from tiny import TINY
from torch.nn.parallel import DistributedDataParallel

RANKS = 2
VIDEOS = 3  # on each rank
CONFIG = replace(TINY, temperature=0.2)


def views(*, first: int, count: int) -> AugmentedBatch:
    """Noise clips of the videos first..first+count of one joint batch, both views."""
    generator = torch.Generator().manual_seed(5)
    joint, layout = RANKS * VIDEOS, CONFIG.layout
    shape = (3, layout.global_frames, CONFIG.height, CONFIG.width)
    local = (layout.local_clips, 3, layout.local_frames, CONFIG.height, CONFIG.width)
    global_clips = torch.randn(2, joint, *shape, generator=generator)[:, first : first + count]
    local_clips = torch.randn(2, joint, *local, generator=generator)[:, first : first + count]
    return AugmentedBatch(
        video_ids=tuple(str(video) for video in range(first, first + count)),
        global_clips=global_clips.flatten(0, 1),
        local_clips=local_clips.flatten(0, 2).contiguous(),
    )


def one_rank(rank: int, meeting_place: str, out: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting_place}", rank=rank, world_size=RANKS)
    torch.manual_seed(CONFIG.seed)
    model = synchronise_batch_norm(build_model(config=CONFIG)).train()
    forward = DistributedDataParallel(TclrForward(model=model), forward_sync_buffers=False)
    clips = views(first=rank * VIDEOS, count=VIDEOS)
    terms = batch_loss(forward=forward, clips=clips, config=CONFIG, weights=CONFIG.weights, gather=gather_rows)
    terms.total.backward()
    result = {
        "terms": torch.stack([getattr(terms, name).detach() for name in TERMS]),
        "gradients": {name: parameter.grad for name, parameter in model.named_parameters()},
        "state": model.state_dict(),
    }
    torch.save(result, f"{out}/rank{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_have_the_loss_and_gradients_of_one_with_the_joint_batch(tmp_path: Path):
    multiprocessing.spawn(one_rank, args=(str(tmp_path / "meet"), str(tmp_path)), nprocs=RANKS)
    ranks = [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(RANKS)]

    torch.manual_seed(CONFIG.seed)
    model = build_model(config=CONFIG).train()
    terms = batch_loss(
        forward=TclrForward(model=model),
        clips=views(first=0, count=RANKS * VIDEOS),
        config=CONFIG,
        weights=CONFIG.weights,
        gather=None,
    )
    terms.total.backward()

    mean = torch.stack([rank["terms"] for rank in ranks]).mean(dim=0)
    joint = torch.stack([getattr(terms, name).detach() for name in TERMS])
    assert torch.allclose(mean, joint, rtol=1e-5)
    whole = torch.stack([parameter.grad.norm() for parameter in model.parameters()]).norm()
    for name, parameter in model.named_parameters():
        for rank in ranks:
            difference = (rank["gradients"][name] - parameter.grad).norm()
            # The second term is for gradients that are zero but for rounding (a bias before a batch norm).
            assert difference <= 1e-4 * parameter.grad.norm() + 1e-6 * whole, name
    for name, value in model.state_dict().items():
        assert torch.allclose(ranks[0]["state"][name].float(), value.float(), rtol=1e-4, atol=1e-5), name


def test_torchrun_trains_two_ranks_and_only_one_writes(make_dataset, tmp_path: Path):
    folder, out = make_dataset(videos=9).folder, tmp_path / "run"
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(RANKS),
        "-m", "cliptrace_trainer", "train", "--data", str(folder), "--out", str(out), "--device", "cpu",
        "--threads", "1", "--backbone", "compact-r21d", "--width", "32", "--height", "32",
        "--span-seconds", "1", "--global-frames", "8", "--local-clips", "2", "--local-frames", "4",
        "--batch-size", "2", "--no-tensorboard", "--log-every-steps", "1", "--precision", "bfloat16",
    ]  # fmt: skip
    ended = subprocess.run([*command, "--epochs", "1"], check=True, capture_output=True, text=True)
    assert ended.stdout.count("finished after 2 steps, 1 epochs") == 1
    assert load_checkpoint(out / "last.pt")["progress"]["step"] == 2
    with (out / "curves.csv").open() as stream:
        assert [row["step"] for row in csv.DictReader(stream)] == ["1", "2"]
