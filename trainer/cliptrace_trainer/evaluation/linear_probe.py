"""Linear probe: a linear classifier on frozen features."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from ..errors import TrainerError
from .retrieval import LabelledVectors


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    accuracy: float
    train_accuracy: float
    classes: int


def check_labelled(*, train: int, test: int) -> None:
    """Raises TrainerError PROBE_CLASSES when either number of labelled videos is 0."""
    if not train or not test:
        raise TrainerError(
            "PROBE_CLASSES",
            f"{train} labelled training videos, {test} labelled test videos; both need at least one: "
            "prepare from class folders, split lists or a CSV with labels",
        )


def linear_probe(
    *, train: LabelledVectors, test: LabelledVectors, weight_decay: float = 1e-3, iterations: int = 200
) -> ProbeResult:
    """Multinomial logistic regression by L-BFGS on standardised vectors; top-1 share on `test`.

    Convex, so the result does not depend on a start. Raises TrainerError PROBE_CLASSES when a test
    class has no training video, or when there is no label.
    """
    check_labelled(train=len(train.labels), test=len(test.labels))
    classes = sorted(set(train.labels))
    if unknown := sorted(set(test.labels) - set(classes)):
        raise TrainerError(
            "PROBE_CLASSES",
            f"the training split has no video of {', '.join(unknown[:5])}; check the split lists",
        )
    mean, deviation = train.vectors.mean(axis=0), train.vectors.std(axis=0) + 1e-6

    def tensors(part: LabelledVectors) -> tuple[torch.Tensor, torch.Tensor]:
        vectors = torch.from_numpy((part.vectors - mean) / deviation).float()
        return vectors, torch.tensor([classes.index(label) for label in part.labels])

    vectors, targets = tensors(train)
    weight = torch.zeros(len(classes), vectors.shape[1], requires_grad=True)
    bias = torch.zeros(len(classes), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=iterations, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(vectors @ weight.T + bias, targets)
        loss = loss + weight_decay * weight.square().sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)

    def accuracy(part: LabelledVectors) -> float:
        inputs, wanted = tensors(part)
        with torch.no_grad():
            found = (inputs @ weight.T + bias).argmax(dim=1)
        return float((found == wanted).float().mean())

    return ProbeResult(accuracy=accuracy(test), train_accuracy=accuracy(train), classes=len(classes))
