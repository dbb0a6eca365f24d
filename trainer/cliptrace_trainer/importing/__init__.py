"""Import of the TCLR authors' published checkpoints."""

from .checkpoint import import_checkpoint
from .fitting import ARCHITECTURES

__all__ = ["ARCHITECTURES", "import_checkpoint"]
