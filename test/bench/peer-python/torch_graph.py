"""An ONNX graph in PyTorch: the shipped encoder is an ONNX file, and its checkpoint does not ship with it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

Value = torch.Tensor | None

_DTYPES = {1: torch.float32, 2: torch.uint8, 6: torch.int32, 7: torch.int64}


class TorchGraph(torch.nn.Module):
    """Runs the nodes of an ONNX file in their order. Raises NotImplementedError for an operator that it does not know."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        graph = onnx.load(path).graph
        self._constants = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer}
        self._input = graph.input[0].name
        self._outputs = [one.name for one in graph.output]
        self._nodes = []
        for node in graph.node:
            attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
            if node.op_type == "Constant":
                self._constants[node.output[0]] = torch.from_numpy(numpy_helper.to_array(attributes["value"]).copy())
                continue
            if node.op_type not in _OPERATORS:
                raise NotImplementedError(f"{node.op_type} of {path}")
            self._nodes.append((_OPERATORS[node.op_type], list(node.input), node.output[0], attributes))

    def forward(self, clips: torch.Tensor) -> dict[str, torch.Tensor]:
        values: dict[str, torch.Tensor] = {**self._constants, self._input: clips}
        for operator, inputs, output, attributes in self._nodes:
            values[output] = operator([values[name] if name else None for name in inputs], attributes)
        return {name: values[name] for name in self._outputs}


def _convolution(inputs: list[Value], attributes: dict) -> torch.Tensor:
    x, weight, *bias = inputs
    rank = weight.dim() - 2
    pads = attributes.get("pads", [0] * (2 * rank))
    if pads[:rank] != pads[rank:]:
        raise NotImplementedError(f"pads {pads}")
    convolution = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    return convolution(
        x,
        weight,
        bias[0] if bias else None,
        stride=attributes.get("strides", [1] * rank),
        padding=pads[:rank],
        dilation=attributes.get("dilations", [1] * rank),
        groups=attributes.get("group", 1),
    )


def _slice(inputs: list[Value], _: dict) -> torch.Tensor:
    x, starts, ends = inputs[:3]
    axes = inputs[3].tolist() if len(inputs) > 3 else range(len(starts))
    steps = inputs[4].tolist() if len(inputs) > 4 else [1] * len(starts)
    for axis, start, end, step in zip(axes, starts.tolist(), ends.tolist(), steps, strict=True):
        kept = range(x.shape[axis])[start:end:step]
        if step > 0:
            x = x[(slice(None),) * (axis % x.dim()) + (slice(kept.start, kept.stop, step),)]
        else:
            x = x.index_select(axis, torch.tensor(list(kept), dtype=torch.int64))
    return x


def _reduced(function: Callable) -> Callable:
    def reduce(inputs: list[Value], attributes: dict) -> torch.Tensor:
        axes = inputs[1].tolist() if len(inputs) > 1 else attributes["axes"]
        return function(inputs[0], axes, bool(attributes.get("keepdims", 1)))

    return reduce


def _reshape(inputs: list[Value], _: dict) -> torch.Tensor:
    x, shape = inputs
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape.tolist())])


def _pad(inputs: list[Value], attributes: dict) -> torch.Tensor:
    x, pads = inputs[:2]
    if attributes.get("mode", b"constant") != b"constant":
        raise NotImplementedError(f"Pad of mode {attributes['mode']}")
    widths = pads.tolist()
    rank = x.dim()
    # From the last axis to the first, as PyTorch wants it.
    return F.pad(x, [width for axis in reversed(range(rank)) for width in (widths[axis], widths[axis + rank])])


def _clip(inputs: list[Value], _: dict) -> torch.Tensor:
    bounds = [one if one is None else one.item() for one in (inputs + [None, None])[1:3]]
    return inputs[0].clamp(*bounds)


def _filled(inputs: list[Value], attributes: dict) -> torch.Tensor:
    value = numpy_helper.to_array(attributes["value"]) if "value" in attributes else np.zeros(1, np.float32)
    return torch.full(inputs[0].tolist(), value.item(), dtype=torch.from_numpy(value.copy()).dtype)


_OPERATORS: dict[str, Callable[[list[Value], dict], torch.Tensor]] = {
    "Add": lambda x, _: x[0] + x[1],
    "Cast": lambda x, a: x[0].to(_DTYPES[a["to"]]),
    "Clip": _clip,
    "Concat": lambda x, a: torch.cat(x, dim=a["axis"]),
    "ConstantOfShape": _filled,
    "Conv": _convolution,
    "Div": lambda x, _: x[0] / x[1],
    "Expand": lambda x, _: x[0].expand(torch.broadcast_shapes(x[0].shape, x[1].tolist())),
    "Gather": lambda x, a: x[0].select(a["axis"], x[1].item()) if x[1].dim() == 0 else x[0].index_select(a["axis"], x[1]),
    "MatMul": lambda x, _: x[0] @ x[1],
    "Mul": lambda x, _: x[0] * x[1],
    "Pad": _pad,
    "ReduceL2": _reduced(lambda x, axes, keep: torch.linalg.vector_norm(x, dim=axes, keepdim=keep)),
    "ReduceMean": _reduced(lambda x, axes, keep: x.mean(dim=axes, keepdim=keep)),
    "ReduceSum": _reduced(lambda x, axes, keep: x.sum(dim=axes, keepdim=keep)),
    "Relu": lambda x, _: F.relu(x[0]),
    "Reshape": _reshape,
    "Shape": lambda x, _: torch.tensor(x[0].shape, dtype=torch.int64),
    "Slice": _slice,
    "Sqrt": lambda x, _: x[0].sqrt(),
    "Sub": lambda x, _: x[0] - x[1],
    "Transpose": lambda x, a: x[0].permute(a["perm"]),
    "Unsqueeze": lambda x, _: x[0].reshape(_unsqueezed(x[0].shape, x[1].tolist())),
}


def _unsqueezed(shape: torch.Size, axes: list[int]) -> list[int]:
    sizes = list(shape)
    for axis in sorted(one % (len(shape) + len(axes)) for one in axes):
        sizes.insert(axis, 1)
    return sizes
