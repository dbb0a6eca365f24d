"""Self-supervised training by TCLR."""
