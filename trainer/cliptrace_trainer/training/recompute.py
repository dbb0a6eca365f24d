"""Activation checkpointing: blocks recompute their inside in the backward pass instead of keeping it."""

from functools import wraps

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

_NORMS = (nn.modules.batchnorm._BatchNorm,)


def checkpoint_activations(backbone: nn.Module) -> int:
    """Make every residual block (a direct child of an nn.Sequential that is itself compound) recompute; in a network
    without any, such as C3D, each compound child of an nn.Sequential.

    Returns how many blocks were changed. State names stay as they are.
    """
    sequences = [module for module in backbone.modules() if isinstance(module, nn.Sequential)]
    compound = [block for sequence in sequences for block in sequence if list(block.children())]
    blocks = [block for block in compound if not isinstance(block, nn.Sequential)] or compound
    for block in blocks:
        _recompute(block)
    return len(blocks)


def _recompute(block: nn.Module) -> None:
    inner = block.forward

    @wraps(inner)
    def forward(*arguments: object) -> object:
        if not (block.training and torch.is_grad_enabled()):
            return inner(*arguments)
        runs = 0

        def once(*inputs: object) -> object:
            # The second run repeats the first; its batch norms must not count the batch twice.
            nonlocal runs
            runs += 1
            return inner(*inputs) if runs == 1 else _without_tracking(block, inner, inputs)

        return checkpoint(once, *arguments, use_reentrant=False)

    block.forward = forward


def _without_tracking(block: nn.Module, inner: object, inputs: tuple) -> object:
    norms = [module for module in block.modules() if isinstance(module, _NORMS)]
    kept = [(norm, norm.momentum, norm.num_batches_tracked.clone()) for norm in norms]
    try:
        for norm in norms:
            norm.momentum = 0.0
        return inner(*inputs)
    finally:
        for norm, momentum, count in kept:
            norm.momentum = momentum
            norm.num_batches_tracked.copy_(count)
