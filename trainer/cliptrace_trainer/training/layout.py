"""Channels-last memory for models that mix two- and three-dimensional convolutions."""

import torch
from torch import nn


def prefer_channels_last(model: nn.Module) -> None:
    """Lay out every convolution weight channels-last, in place; `Module.to` refuses mixed ranks."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim in formats:
                parameter.data = parameter.data.contiguous(memory_format=formats[parameter.ndim])
