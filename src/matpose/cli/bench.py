"""`matpose bench`: how long a frame takes on this machine, stage by stage, and beside other nets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from matpose.cli.options import JsonOut


def bench(
    rounds: Annotated[int, typer.Option(min=10, max=100_000, help="Frames that are timed.")] = 300,
    rivals: Annotated[
        bool | None,
        typer.Option(
            "--rivals/--no-rivals", help="Also time other pose nets; needs the extra train. By default where it is."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="FILE", help="Another model than the one that ships.")] = None,
    backend: Annotated[str | None, typer.Option(help="onnxruntime, openvino or torch.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw the stages, as PNG, SVG or PDF.")] = None,
    as_json: JsonOut = False,
) -> None:
    """Time every stage from a mat's frame to the pose on one core, with the simulated night that comes along.

    Where the extra train is installed, also the nets of the paper's Table 1 at their size and nets of our size at ours,
    all in turns in the same run. Measure on a machine that does nothing else.
    """
    import json
    import os

    for library in ("OPENBLAS", "MKL", "OMP"):  # one core; must be said before numpy loads
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    found = _measure(rounds, rivals, model, backend, as_json)
    if plot is not None:
        _draw(plot, found["stages"])
    if as_json:
        typer.echo(json.dumps({**found, "command": f"matpose bench --json --rounds {rounds}"}))
        return
    _show(found)


def _measure(rounds: int, rivals: bool | None, model: str | None, backend: str | None, quiet: bool) -> dict[str, Any]:
    from importlib.util import find_spec

    from rich.console import Console
    from rich.progress import Progress

    from matpose.errors import MatposeError
    from matpose.readers import read
    from matpose.recording import Flag
    from matpose.runtime import Detector
    from matpose.runtime.bench import machine, network_share, peak_memory_mib, time_stages
    from matpose.runtime.recording_report import sample_night

    has_torch = find_spec("torch") is not None
    if rivals and not has_torch:
        raise MatposeError("the rivals need torch", mend="pip install 'matpose[train]', or give --no-rivals")
    detector = Detector(model, backend=backend)
    name = backend or ("onnxruntime" if model is None or Path(model).suffix.lower() == ".onnx" else "torch")
    if name == "torch":
        import torch

        torch.set_num_threads(1)
    night = read(sample_night())
    night = night.select((night.flags & Flag.EMPTY_BED) == 0)  # an empty bed is not computed
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task("stages", total=rounds)
        stages = time_stages(detector, night, rounds, lambda: progress.advance(task))
        memory = peak_memory_mib()  # before torch adds its own
        rows = None
        if has_torch and rivals is not False:
            from matpose.evaluation.rival_cost import rival_rows, turns

            turns_of = max(3, rounds // 5)
            other = progress.add_task("other nets", total=turns(turns_of))
            canvas = detector.backend.canvas
            rows = rival_rows(
                _ours(detector, night), canvas.rows, canvas.cols, turns_of, lambda: progress.advance(other)
            )
    return {
        "model": str(model or "shipped"),
        "backend": name,
        "mat": {"name": night.mat.name, "rows": night.mat.rows, "cols": night.mat.cols},
        "rounds": rounds,
        "stages": stages,
        "network": network_share(detector.backend, stages["network"]["p50_ms"]),
        "peak_memory_mib": memory,
        "rivals": rows,
        "rivals_need": None if has_torch else "pip install 'matpose[train]'",
        **machine(("numpy", "onnxruntime", "openvino", "torch")),
    }


def _ours(detector, night) -> dict[str, Any]:
    """The product's work for one frame: all of it, and the network alone."""
    from itertools import cycle

    import numpy as np

    from matpose.runtime.frame_check import FrameCheck

    check, frames = FrameCheck(night.mat, night.unit), cycle(night.frames)
    maps = cycle(detector.backend.canvas.resample(night.frames, night.mat).astype(np.float32)[:, None])

    def whole() -> None:
        cleaned, flags = check.check(next(frames))
        detector.see(cleaned, night.mat, flags=flags, time_s=0.0)

    return {"whole": whole, "network": lambda: detector.backend(next(maps))}


def _draw(path: Path, stages: dict[str, dict[str, float]]) -> None:
    from matpose.atomic import atomic_path
    from matpose.errors import MatposeError
    from matpose.runtime.bench_chart import stage_chart

    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise MatposeError("a plot is a PNG, SVG or PDF file", mend="name it so", path=path)
    with atomic_path(path) as temporary:
        stage_chart(stages).savefig(temporary)


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    mat, by = found["mat"], found["machine"]
    table = Table(title=f"One frame of {mat['rows']} x {mat['cols']} cells, one core, {found['backend']}")
    for title in ("stage", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(title, justify="left" if title == "stage" else "right")
    for stage, times in found["stages"].items():
        table.add_row(stage, *(f"{ms:.3f}" for ms in times.values()), end_section=stage == "decode")
    console.print(table)
    if found["network"]:
        network = found["network"]
        console.print(
            f"the network does {network['conv_macs'] / 1e6:.1f} million multiplications at {network['gmac_s']:.1f} "
            f"billion a second: {network['share']:.0%} of a matrix product's {network['sgemm_gmac_s']:.1f}"
        )
    if found["peak_memory_mib"]:
        console.print(f"memory: {found['peak_memory_mib']:.0f} MiB at most")
    if found["rivals"]:
        _show_rivals(found["rivals"], console)
    elif found["rivals_need"]:
        console.print(f"other nets are timed too once the extra train is there: {found['rivals_need']}", markup=False)
    console.print(f"{by['cpu']}, {by['cores']} cores", style="dim")
    if by["load"] and by["load"] > 1.5:
        console.print(f"[yellow]note[/] the machine is busy (load {by['load']:.1f}): idle, these times are shorter")


def _show_rivals(rows: list[dict[str, Any]], console) -> None:
    from rich.table import Table

    table = Table(title="Other nets for one map, in turns with ours")
    for title in ("net", "map", "p50 ms", "times our network", "times our whole"):
        table.add_column(title, justify="left" if title == "net" else "right")
    for row in rows:
        table.add_row(
            row["name"], f"{row['rows']} x {row['cols']}", f"{row['p50_ms']:.1f}",
            f"{row['times']['network']:.1f}", f"{row['times']['whole']:.1f}",
        )  # fmt: skip
    console.print(table)
