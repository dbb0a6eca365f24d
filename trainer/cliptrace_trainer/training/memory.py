"""How many bytes of activations a network keeps for its backward pass."""

import torch
from torch import nn


def saved_activation_bytes(*, network: nn.Module, clips: torch.Tensor) -> int:
    """Bytes that one forward pass of `clips` [n, 3, frames, h, w] keeps, parameters left out.

    Each storage counts once, however many views of it are kept. What checkpointed blocks recompute is
    not kept; their inputs are. Tensors of torch's FakeTensorMode, which have shapes but no memory, are counted too.
    """
    parameters = {parameter.untyped_storage()._cdata for parameter in network.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        place = tensor.untyped_storage()._cdata
        if place not in parameters:
            # Held, so that no later tensor takes the same address.
            kept[place] = tensor
        return tensor

    network.train()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        network(clips)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
