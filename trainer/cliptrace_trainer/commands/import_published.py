"""`import`: a checkpoint that the TCLR authors published, to an encoder folder."""

import argparse
from pathlib import Path

from ..importing import ARCHITECTURES, import_checkpoint


def add_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "import",
        help="published checkpoint to encoder.onnx and manifest.json",
        epilog="example: import --checkpoint r3d18_ucf.pth --architecture r3d18 --out index/models/tclr-r3d18",
    )
    parser.add_argument("--checkpoint", type=Path, required=True, help="the downloaded .pth file")
    parser.add_argument("--architecture", required=True, choices=list(ARCHITECTURES))
    parser.add_argument("--out", type=Path, required=True, help="the encoder folder")
    parser.add_argument("--name", help="a-z, 0-9, '.' and '-'; without it tclr-ARCHITECTURE-published")
    parser.add_argument("--licence", help="of the weights, for the manifest; null without it")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    manifest = import_checkpoint(
        path=arguments.checkpoint,
        architecture=arguments.architecture,
        out_dir=arguments.out,
        name=arguments.name,
        licence=arguments.licence,
    )
    print(f"{manifest['id']}: {arguments.out / manifest['file']}")
    return 0
