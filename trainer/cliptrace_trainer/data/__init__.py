"""Prepared datasets: video files decoded once into memory-mapped shards of uint8 frames."""
