"""Shapes of every backbone, the projection head, and the two ways of reading a clip."""

import pytest
import torch
from cliptrace_trainer.backbones import BACKBONE_NAMES, DEFAULT_COMPACT, build_backbone
from cliptrace_trainer.errors import TrainerError
from cliptrace_trainer.heads import ProjectionHead
from cliptrace_trainer.model import TclrModel
from cliptrace_trainer.training.layout import prefer_channels_last

SMALL = [name for name in BACKBONE_NAMES if name.startswith("compact-")]


@pytest.mark.parametrize("name", BACKBONE_NAMES)
def test_timesteps_are_a_quarter_of_the_frames_at_any_size(name: str) -> None:
    backbone = build_backbone(name=name).eval()
    assert backbone.name == name
    sizes = [(16, 64, 64), (8, 66, 80)] if name not in SMALL else [(16, 64, 64), (8, 66, 80), (32, 97, 65)]
    for frames, height, width in sizes:
        with torch.no_grad():
            features = backbone(torch.rand(1, 3, frames, height, width))
        assert features.shape == (1, frames // 4, backbone.dimension)
        assert torch.isfinite(features).all()


def test_the_three_of_the_paper_and_at_least_three_compact_ones_exist() -> None:
    assert {"r3d18", "r2plus1d18", "c3d"} <= set(BACKBONE_NAMES)
    assert len(SMALL) >= 3
    assert DEFAULT_COMPACT in SMALL


def test_parameter_counts() -> None:
    # 33.17 million: torchvision's r3d_18 without its classifier, which the dilation leaves as it is.
    counts = {name: sum(p.numel() for p in build_backbone(name=name).parameters()) for name in BACKBONE_NAMES}
    assert counts["r3d18"] == 33_166_272
    assert counts["c3d"] == 27_658_688
    assert all(counts[name] < 3_000_000 for name in SMALL)


def test_r2plus1d18_has_the_names_and_shapes_of_the_published_files() -> None:
    state = build_backbone(name="r2plus1d18").state_dict()
    shapes = {name: list(value.shape) for name, value in state.items()}
    assert shapes["stem.0.weight"] == [45, 3, 1, 7, 7]
    assert shapes["stem.3.weight"] == [64, 45, 3, 1, 1]
    assert shapes["layer1.0.conv1.0.0.weight"] == [144, 64, 1, 3, 3]
    assert shapes["layer1.0.conv1.0.3.weight"] == [64, 144, 3, 1, 1]
    assert shapes["layer2.0.conv1.0.0.weight"] == [230, 64, 1, 3, 3]
    assert shapes["layer4.0.conv1.0.weight"] == [512, 256, 3, 3, 3]
    assert shapes["layer4.0.conv2.0.0.weight"] == [921, 512, 1, 3, 3]
    assert shapes["layer4.0.downsample.0.weight"] == [512, 256, 1, 1, 1]
    assert shapes["layer4.1.conv2.0.3.weight"] == [512, 1152, 3, 1, 1]


@pytest.mark.parametrize("name", SMALL)
def test_compact_backbones_see_time_and_learn(name: str) -> None:
    torch.manual_seed(0)
    backbone = build_backbone(name=name)
    clips = torch.rand(4, 3, 16, 64, 64)
    backbone(clips).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in backbone.parameters())
    backbone.eval()
    with torch.no_grad():
        forward, backward = backbone(clips), backbone(clips.flip(2))
    assert not torch.allclose(forward.mean(dim=1), backward.mean(dim=1), rtol=1e-3)


@pytest.mark.parametrize("name", SMALL)
def test_memory_format_and_batch_mates_do_not_change_features(name: str) -> None:
    torch.manual_seed(0)
    backbone = build_backbone(name=name).eval()
    clips = torch.rand(3, 3, 16, 64, 64)
    with torch.no_grad():
        together = backbone(clips)
        alone = backbone(clips[1:2])
        prefer_channels_last(backbone)
        last = backbone(clips.contiguous(memory_format=torch.channels_last_3d))
    assert torch.allclose(together[1:2], alone, atol=1e-6)
    assert torch.allclose(together, last, atol=1e-5)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(TrainerError) as caught:
        build_backbone(name="resnet50")
    assert caught.value.code == "BACKBONE_UNKNOWN"
    assert "'resnet50'" in caught.value.message
    assert all(name in caught.value.message for name in BACKBONE_NAMES)


def small_model() -> TclrModel:
    torch.manual_seed(0)
    backbone = build_backbone(name=DEFAULT_COMPACT)
    return TclrModel(backbone=backbone, head=ProjectionHead(in_dimension=backbone.dimension)).eval()


def test_head_is_shared_and_pools_over_time_first() -> None:
    model = small_model()
    clips = torch.rand(2, 3, 16, 64, 64)
    with torch.no_grad():
        pooled, timesteps = model.global_clip(clips)
        features = model.features(clips)
        assert torch.allclose(pooled, model.head(features.mean(dim=1)))
        assert torch.allclose(timesteps[:, 2], model.head(features[:, 2]), atol=1e-6)
        assert torch.allclose(model.local_clip(clips), pooled)
        assert torch.equal(model(clips, kind="local"), model.local_clip(clips))
        assert torch.equal(model(clips, kind="global")[1], timesteps)
    assert pooled.shape == (2, 128)
    assert timesteps.shape == (2, 4, 128)
    assert torch.allclose(timesteps.norm(dim=-1), torch.ones(2, 4))


def test_head_is_linear_norm_relu_linear_norm_l2() -> None:
    head = ProjectionHead(in_dimension=6, hidden_dimension=5, out_dimension=4).eval()
    with torch.no_grad():
        for norm in (head.bn1, head.bn2):
            norm.running_mean.uniform_(-1, 1)
            norm.running_var.uniform_(0.5, 2)
            norm.weight.uniform_(0.5, 2)
            norm.bias.uniform_(-1, 1)
    rows = torch.randn(3, 6)
    hidden = rows @ head.fc1.weight.T + head.fc1.bias
    hidden = (hidden - head.bn1.running_mean) / (head.bn1.running_var + 1e-5).sqrt()
    hidden = (hidden * head.bn1.weight + head.bn1.bias).clamp(min=0)
    out = (hidden @ head.fc2.weight.T - head.bn2.running_mean) / (head.bn2.running_var + 1e-5).sqrt()
    out = out * head.bn2.weight + head.bn2.bias
    assert head.fc2.bias is None
    assert torch.allclose(head(rows), out / out.norm(dim=-1, keepdim=True), atol=1e-6)
