"""Export of trained encoders: ONNX, manifest, whitening, int8."""

from .encoder import export_encoder
from .int8 import quantise_encoder
from .preprocessing import Normalisation, Preprocessing
from .whitening import Whitening, WhiteningRule, fit_pca_whitening, fit_stream_whitening

__all__ = [
    "Normalisation",
    "Preprocessing",
    "Whitening",
    "WhiteningRule",
    "export_encoder",
    "fit_pca_whitening",
    "fit_stream_whitening",
    "quantise_encoder",
]
