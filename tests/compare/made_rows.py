"""Rows of a grid, as if systems had been trained."""

from __future__ import annotations

from matpose.compare.tables import table

LAYERS = ("gcn", "gat", "sage")


def row(system: str, seed: int = 0, *, better: float = 0.0, **more) -> dict:
    score = {"pckh50": 0.8 + better, "pckh20": 0.4 + better, "median_cm": 5.0}
    posture = {
        part: {layer: {"accuracy": 0.9, "balanced_accuracy": 0.7 + better} for layer in LAYERS}
        for part in ("familiar", "frozen")
    }
    curve = [{"samples": 100 * look, "val_pckh20": 0.04 * look + better, "val_mean_cm": 9.0} for look in range(1, 11)]
    return {
        "system": system, "seed": seed, "seen": score, "unseen": score, "posture": posture, "curve": curve, **more,
    }  # fmt: skip


def failed(system: str, seed: int = 0) -> dict:
    return {"system": system, "seed": seed, "failed": "it diverged"}


COST = {"parameters": 60_000, "macs": 30_000_000, "macs_256": 960_000_000}


def lines_of(*rows: dict, shipped: dict | None = None) -> list[dict]:
    names = [row["system"] for row in (*rows, *([shipped] if shipped else []))]
    return table({
        "rows": rows, "shipped": shipped, "latency_ms": {name: {"p50": 2.5} for name in names},
        "cost": dict.fromkeys(names, COST) | ({shipped["system"]: {"parameters": 70_000}} if shipped else {}),
        "latency_256_ms": {row["system"]: {"p50": 1040.0} for row in rows},
    })  # fmt: skip
