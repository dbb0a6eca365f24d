"""Measuring an encoder: retrieval, linear probe, fine-tuning."""
