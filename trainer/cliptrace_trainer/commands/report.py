"""How figures are printed: one table for people, or one JSON document."""

import json
from collections.abc import Mapping


def print_recalls(*, rows: Mapping[str, Mapping[str, Mapping[int, float]]], as_json: bool) -> None:
    """`rows[encoder][condition][k]`."""
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    conditions = next(iter(rows.values()))
    ranks = [f"{condition} R@{k}" for condition, recalls in conditions.items() for k in recalls]
    width = max(len(name) for name in rows)
    print("  ".join(["encoder".ljust(width), *ranks]))
    for name, measured in rows.items():
        values = [value for recalls in measured.values() for value in recalls.values()]
        cells = [f"{value:.3f}".rjust(len(rank)) for value, rank in zip(values, ranks, strict=True)]
        print("  ".join([name.ljust(width), *cells]))
