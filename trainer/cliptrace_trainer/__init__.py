"""TCLR (Dave et al., CVIU 2022): training, evaluation, import and export of video encoders."""

__version__ = "0.1.0"
