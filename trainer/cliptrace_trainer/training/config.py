"""What a run is made of. A configuration is stored in each checkpoint, and a resumed run uses it."""

from dataclasses import asdict, dataclass, field, fields, replace

from ..augment import AugmentationRanges
from ..backbones import DEFAULT_COMPACT
from ..data.clips import ClipLayout
from ..errors import TrainerError
from ..losses import LossWeights

SCHEDULES = ("plateau", "cosine", "trapezoid")
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Defaults are the paper's values where the paper has one.

    The first `instance_epochs` epochs train instance contrast alone, on two clips of different moments of a
    video (Qian et al., CVPR 2021): a third of the cost of a TCLR epoch. From `neighbour_epoch` on (counted from 0),
    where its weight is above 0, the `neighbours` nearest videos are positives too. The paper has neither.
    """

    backbone: str = "r3d18"
    hidden_dimension: int = 512
    out_dimension: int = 128
    layout: ClipLayout = field(default_factory=lambda: ClipLayout(span_seconds=2.56))
    augmentation: AugmentationRanges = field(default_factory=AugmentationRanges)
    width: int = 112
    height: int = 112
    mean: tuple[float, float, float] = (0.45, 0.45, 0.45)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)
    weights: LossWeights = field(default_factory=LossWeights)
    temperature: float = 0.1
    batch_size: int = 40
    accumulation: int = 1
    epochs: int = 400
    instance_epochs: int = 0
    neighbour_epoch: int = 0
    neighbours: int = 5
    learning_rate: float = 1e-3
    weight_decay: float = 1e-9
    schedule: str = "plateau"
    warm_up_epochs: int = 5
    plateau_epochs: int = 9
    decay_epochs: int = 20
    precision: str = "float32"
    channels_last: bool = False
    compile: bool = False
    activation_checkpointing: bool = False
    synchronised_batch_norm: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise _invalid("schedule", self.schedule, f"one of {', '.join(SCHEDULES)}")
        if self.precision not in PRECISIONS:
            raise _invalid("precision", self.precision, f"one of {', '.join(PRECISIONS)}")
        for name in ("batch_size", "accumulation", "epochs", "width", "height", "plateau_epochs", "neighbours"):
            if getattr(self, name) < 1:
                raise _invalid(name, getattr(self, name), "at least 1")
        for name in ("learning_rate", "temperature"):
            if not getattr(self, name) > 0:
                raise _invalid(name, getattr(self, name), "more than 0")
        if self.instance_epochs < 0:
            raise _invalid("instance_epochs", self.instance_epochs, "at least 0")
        if self.neighbour_epoch < 0:
            raise _invalid("neighbour_epoch", self.neighbour_epoch, "at least 0")
        if self.batch_size < 2:
            raise _invalid("batch_size", self.batch_size, "at least 2: one video has no negative")

    def weights_of(self, *, epoch: int) -> LossWeights:
        """The factors of the terms in an epoch, counted from 0."""
        weights = self.weights
        if epoch < self.neighbour_epoch:
            weights = replace(weights, neighbour=0.0)
        if epoch < self.instance_epochs:
            weights = replace(weights, instance_local=0.0, local_local=0.0, global_local=0.0)
        return weights

    def to_json(self) -> dict:
        return asdict(self)

    def differences(self, earlier: dict) -> dict:
        """The fields, as JSON, that an earlier configuration's JSON had otherwise or not at all."""
        return {name: value for name, value in self.to_json().items() if earlier.get(name) != value}

    @classmethod
    def from_json(cls, value: dict) -> "TrainingConfig":
        """Raises TrainerError CONFIGURATION_INVALID for a field this version does not know."""
        known = {item.name for item in fields(cls)}
        if unknown := sorted(set(value) - known):
            raise _invalid("configuration", ", ".join(unknown), "written by a newer version; update this one")
        return cls(
            **{
                **value,
                "layout": ClipLayout(**value["layout"]),
                "augmentation": AugmentationRanges(**_tuples(value["augmentation"])),
                "weights": LossWeights(**value["weights"]),
                **_tuples({name: value[name] for name in ("mean", "std") if name in value}),
            }
        )


def _tuples(value: dict) -> dict:
    return {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}


def _invalid(name: str, value: object, wanted: str) -> TrainerError:
    return TrainerError("CONFIGURATION_INVALID", f"{name} is {value!r}; it must be {wanted}")


PRESETS: dict[str, TrainingConfig] = {
    "paper": TrainingConfig(),
    # Local clips of 8 frames cost half; strong grey and colour changes, because near copies are
    # recoloured; a low resolution buys more epochs an hour.
    "compact-cpu": TrainingConfig(
        backbone=DEFAULT_COMPACT,
        layout=ClipLayout(span_seconds=2.0, local_frames=8),
        augmentation=AugmentationRanges(
            area=(0.3, 1.0), grey_probability=0.4, channel_drop_probability=0.1, erase_probability=0.3
        ),
        width=64,
        height=64,
        batch_size=32,
        epochs=100,
        learning_rate=1e-3,
        weight_decay=1e-4,
        schedule="cosine",
        warm_up_epochs=2,
        precision="bfloat16",
        channels_last=True,
    ),
}


def preset(*, name: str, **changes: object) -> TrainingConfig:
    """A preset with some fields changed. Raises TrainerError CONFIGURATION_INVALID."""
    if name not in PRESETS:
        raise _invalid("preset", name, f"one of {', '.join(PRESETS)}")
    return replace(PRESETS[name], **changes)
