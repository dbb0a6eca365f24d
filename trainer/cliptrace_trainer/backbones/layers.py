"""The convolution, norm and activation that every 3D backbone repeats."""

from torch import nn

Triple = tuple[int, int, int]


def conv_bn(
    *,
    inputs: int,
    outputs: int,
    kernel: Triple,
    stride: Triple = (1, 1, 1),
    padding: Triple = (0, 0, 0),
    dilation: Triple = (1, 1, 1),
    groups: int = 1,
    relu: bool = False,
) -> nn.Sequential:
    """Convolution without bias, batch norm, and a ReLU where asked; state names `0.` and `1.`."""
    layers: list[nn.Module] = [
        nn.Conv3d(
            inputs,
            outputs,
            kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=False,
        ),
        nn.BatchNorm3d(outputs),
    ]
    if relu:
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def initialise(module: nn.Module) -> None:
    """He initialisation over the fan-out of every 3D convolution, as the reference residual networks have it."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
