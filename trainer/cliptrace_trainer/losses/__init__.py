"""The losses of TCLR, one module each."""

from .global_local import global_local_loss
from .instance_contrast import instance_global_loss, instance_local_loss
from .local_local import local_local_loss
from .neighbour_contrast import neighbour_loss
from .nt_xent import nt_xent
from .tclr import Gather, LossTerms, LossWeights, add_terms, instance_only_loss, tclr_loss

__all__ = [
    "Gather",
    "LossTerms",
    "LossWeights",
    "add_terms",
    "global_local_loss",
    "instance_global_loss",
    "instance_local_loss",
    "instance_only_loss",
    "local_local_loss",
    "neighbour_loss",
    "nt_xent",
    "tclr_loss",
]
