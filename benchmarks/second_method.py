"""The method beside AutoLink, another way to find points without labels: same maps, same encoder, as many steps.

Both learn from PmatData i and are measured on people whom neither saw: label-free, and by a linear probe of simulated
people's joints. AutoLink rebuilds from its lines alone, `native` from points and features: of l1, l2 and SSIM only the
ratios say which input is used. The rigid residual needs experiment ii, which is for reporting only.

python benchmarks/second_method.py [--final] [--seeds N] [KEY=VALUE ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from record import record

from matpose.canvas import Canvas
from matpose.datasets import load
from matpose.datasets.splits import hold_out
from matpose.errors import MatposeError
from matpose.evaluation.panels import draw_points, draw_pressure, page_of
from matpose.evaluation.probe import linear_probe, probe_rivals
from matpose.evaluation.rigid import rigid_pairs
from matpose.nn.efd import EFD
from matpose.training.augmentation import augment
from matpose.training.data import Maps, canvas_maps, collect_maps
from matpose.training.encode import encode
from matpose.training.measure import label_free
from matpose.training.model_file import FILE_NAME, load_model
from matpose.training.pictures import save_pictures, spread_over_postures, titles
from matpose.training.recipe import Recipe, load_recipe
from matpose.training.run import train_on
from matpose.zoo.autolink import AutoLink
from matpose.zoo.autolink_fit import fit_autolink

DOCS = Path(__file__).parents[1] / "docs"
DEVELOPMENT = ("i:1-4", "i:5-6")
FINAL = ("i:1-6", "i:7-13")
DISPLACED = ("B1", "B2", "B3", "B4", "B5")
DRAWN = 0.2  # of the strongest edge; fainter ones are left out of the picture


class Probed(NamedTuple):
    """Simulated frames of known joints: maps (N, H, W), joints (N, 14, 2) in metres, posture and person (N,)."""

    maps: np.ndarray
    joints_m: np.ndarray
    posture: np.ndarray
    person: np.ndarray

    def at(self, chosen: np.ndarray) -> Probed:
        """Some of them."""
        return Probed(*(values[chosen] for values in self))


def simulated(people: int, canvas: Canvas) -> tuple[Probed, Probed]:
    """Simulated people to fit the probe on, and a quarter of them to test it on."""
    parts = []
    for recording in load(f"simulated:{people}:7"):
        if recording.joints_m is None or recording.posture is None:
            raise MatposeError("simulated people without joints", mend="report this")
        maps, sound, _ = canvas_maps(recording, canvas)
        joints_m, posture = recording.joints_m[sound, :, :2], recording.posture[sound]
        parts.append((maps, joints_m, posture, np.full(len(sound), recording.subject)))
    every = Probed(*map(np.concatenate, zip(*parts, strict=True)))
    learning, _ = hold_out(every.person.tolist(), 0.25)
    learned = np.isin(every.person, learning)
    return every.at(learned), every.at(~learned)


def native(fit: Maps, val: Maps, recipe: Recipe, folder: Path) -> EFD:
    """The method by its recipe; a finished training in the folder is used again."""
    if not (folder / FILE_NAME).is_file():
        train_on(fit, val, recipe, folder, resume=True, progress=False)
    trained = load_model(folder)
    if trained.recipe != recipe or trained.facts["train_subjects"] != fit.subjects:
        raise MatposeError("a run of another recipe or other people is there", mend="give another --runs", path=folder)
    return trained.efd


def autolink(fit: Maps, recipe: Recipe, steps: int) -> AutoLink:
    """AutoLink with the recipe's encoder, points, augmentation and loss; it needs no people to validate on."""
    torch.manual_seed(recipe.seed)
    model = AutoLink(recipe.points, (recipe.rows, recipe.cols), sharpness=recipe.sharpness, smooth=recipe.smooth).to(
        memory_format=torch.channels_last
    )  # pyright: ignore[reportCallIssue]

    def say(step: int, loss: float) -> None:
        if step % 100 == 0:
            print(f"  step {step} of {steps}: {loss:.3f}", flush=True)

    return fit_autolink(
        model,
        fit.pressure,
        steps=steps,
        generator=torch.Generator().manual_seed(recipe.seed),
        batch=recipe.batch,
        vary=lambda pressure, generator: augment(pressure, recipe, generator),
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        l2_weight=recipe.l2_weight,
        ssim_weight=recipe.ssim_weight,
        progress=say,
    )


def measured(efd: EFD, test: Maps, displaced: Maps | None, probed: tuple[Probed, Probed]) -> dict[str, float]:
    """Label-free metrics, the rigid residual where there are displaced pairs, and the probe of simulated joints."""
    canvas = test.canvas
    figures = label_free(efd, test)
    if displaced is not None:
        points_m = encode(efd, displaced.pressure, canvas)[0] * (canvas.height_m / 2)
        series, code = np.array([name.rpartition("/")[::2] for name in displaced.recording]).T
        figures |= rigid_pairs(points_m, displaced.pressure[:, 0].numpy(), canvas.cell_m, series, code)
    xy = [encode(efd, torch.from_numpy(some.maps)[:, None], canvas)[0].reshape(len(some.maps), -1) for some in probed]
    probe = linear_probe(xy[0], probed[0].joints_m, xy[1], probed[1].joints_m, height_m=canvas.height_m)
    return figures | {f"probe_{name}": value for name, value in probe.items()}


def graph_over_maps(model: AutoLink, maps: Maps) -> Figure:
    """Points over pressure, joined by the learned edges: the wider, the heavier; below, what lines alone rebuild."""
    canvas = maps.canvas
    extent = (0.0, canvas.width_m, canvas.height_m, 0.0)
    with torch.inference_mode():
        xy = model.points(maps.pressure).xy_norm.numpy()
        rebuilt = model(maps.pressure).clamp_min(0).square()[:, 0].numpy()  # the scale is the root of pressure
        weight = model.decoder.edges.adjacency().numpy()
    weight = weight / weight.max()
    figure, panels = page_of(2 * len(maps), columns=len(maps), aspect=canvas.rows / canvas.cols)
    for index, title in enumerate(titles(maps)):
        above, below = panels[index], panels[len(maps) + index]
        draw_pressure(above, maps.pressure[index, 0].numpy(), extent)
        above.set_title(title)
        xy_m = (xy[index] + 1) / 2 * (canvas.width_m, canvas.height_m)
        for start, end in np.argwhere(np.triu(weight) > DRAWN):
            across, along = xy_m[[start, end]].T
            above.plot(across, along, color="white", linewidth=3 * weight[start, end], alpha=0.8, zorder=1.5)
        draw_points(above, xy_m)
        draw_pressure(below, rebuilt[index], extent)
    return figure


def displaced_pairs(dataset: str, canvas: Canvas) -> Maps:
    """The displaced postures of experiment ii: another mat, but people whom experiment i shows as well."""
    wanted = (recording for recording in load(dataset) if recording.meta.get("posture_code") in DISPLACED)
    return collect_maps(wanted, canvas, frames_per_recording=1)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("changes", nargs="*", metavar="KEY=VALUE", help="changes to the recipe of both")
    options.add_argument("--dataset", default="pmatdata:../shared/data/pmatdata")
    options.add_argument("--train-subjects", default=DEVELOPMENT[0])
    options.add_argument("--test-subjects", default=DEVELOPMENT[1])
    options.add_argument("--final", action="store_true", help="people on whom nothing was chosen, and experiment ii")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--simulated", type=int, default=80, help="people for the probe, eight maps each")
    options.add_argument("--runs", type=Path, help="where finished runs of the recipe are used again")
    given = options.parse_args()
    torch.set_num_threads(1)
    name = "second-method" if given.final else "second-method-development"
    runs = given.runs or Path("runs") / name
    train_subjects, test_subjects = FINAL if given.final else (given.train_subjects, given.test_subjects)
    recipe = load_recipe("native", tuple(given.changes))
    train, test = (
        collect_maps(
            load(given.dataset, subjects=subjects),
            recipe.canvas,
            frames_per_recording=recipe.frames_per_recording,
            presence_mmhg=recipe.presence_mmhg,
        )
        for subjects in (train_subjects, test_subjects)
    )
    if both := set(train.subjects) & set(test.subjects):
        raise MatposeError(f"{', '.join(sorted(both))} would train and be tested", mend="choose other people")
    training, validation = hold_out(train.subjects, recipe.validation_fraction)
    fit, val = train.of_subjects(training), train.of_subjects(validation)
    displaced = displaced_pairs(given.dataset, recipe.canvas) if given.final else None
    probed = simulated(given.simulated, recipe.canvas)
    steps = (recipe.epochs + recipe.presence_epochs * recipe.crwt) * recipe.batches_per_epoch
    rows: dict[str, list[dict[str, float]]] = {"native": [], "autolink": []}
    for seed in range(given.seeds):
        seeded = recipe.model_copy(update={"seed": seed})
        ways: dict[str, Callable[[], EFD]] = {
            "native": lambda seeded=seeded: native(fit, val, seeded, runs / f"native-seed{seeded.seed}"),
            "autolink": lambda seeded=seeded: autolink(fit, seeded, steps),
        }
        for method, train_it in ways.items():
            efd = train_it()
            rows[method].append({"seed": seed, **measured(efd, test, displaced, probed)})
            print(f"{method}, seed {seed}: {rows[method][-1]}", flush=True)
            if isinstance(efd, AutoLink) and seed == 0:
                picture = graph_over_maps(efd, spread_over_postures(test, 3))
                save_pictures({name: picture}, DOCS if given.final else runs)
    learned, tested = probed
    record(
        name,
        {
            "what": "label-free metrics on test people, and a linear probe of simulated joints, of both methods",
            "train_subjects": fit.subjects,
            "validation_subjects": val.subjects,  # they choose the epoch of `native`; AutoLink does not see them
            "test_subjects": test.subjects,
            "steps": steps,
            "probe_people": {"fit": len(set(learned.person)), "test": len(set(tested.person))},
            "mean": {
                method: {key: float(np.mean([row[key] for row in some])) for key in some[0] if key != "seed"}
                for method, some in rows.items()
            },
            "probe_rivals": probe_rivals(
                *learned[:3], *tested[:3], cell_m=recipe.canvas.cell_m, numbers=2 * recipe.points
            ),
            "seeds": rows,
            "recipe": recipe.model_dump(exclude={"seed"}),
        },
    )


if __name__ == "__main__":
    main()
