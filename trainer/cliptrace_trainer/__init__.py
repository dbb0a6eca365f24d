"""TCLR (Dave et al., CVIU 2022): training, evaluation, import and export of video encoders."""

import os

# Before ONNX Runtime is imported: since 1.29 it tells its maker of each session otherwise.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"
