"""The objective of a training: which views are drawn, what crosses between them, and what each switch adds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_runs import blob_maps
from tiny import tiny_recipe

from matpose.datasets import load
from matpose.losses.contact import contact_loss, contact_mask
from matpose.losses.equivariance import equivariance_loss
from matpose.losses.flip import flip_loss
from matpose.losses.separation import separation_loss
from matpose.losses.temporal import temporal_loss
from matpose.nn.efd import EFD
from matpose.nn.scaling import scale_free
from matpose.training.augmentation import augment
from matpose.training.build import build_efd
from matpose.training.crwt import fit_efd
from matpose.training.data import Maps, collect_maps
from matpose.training.history import read_history
from matpose.training.measure import label_free
from matpose.training.module import StageModule
from matpose.training.objective import REACH, TERMS, ramp, rebuild_and_terms, weights_of
from matpose.training.recipe import Recipe, load_recipe
from matpose.training.views import Views, draw_views

EVERY = ("cross_view=true", "start=both", *(f"{term}_weight=0.5" for term in TERMS))
STRETCH = torch.tensor((0.5, 1.0))


@pytest.fixture(scope="module")
def maps() -> Maps:
    return blob_maps()


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _chance() -> torch.Generator:
    return torch.Generator().manual_seed(4)


def _drawn(maps: Maps, recipe: Recipe, **how: bool) -> Views:
    index = torch.arange(6)
    return draw_views(maps.pressure[index], maps.pressure[maps.other_frames()[index]], recipe, _chance(), **how)


def _model(recipe: Recipe, maps: Maps) -> EFD:
    """In eval mode, so that a view alone answers as among others, with these maps' statistics."""
    torch.manual_seed(0)
    model = build_efd(recipe).train()
    for _ in range(30):
        model(maps.pressure)
    return model.eval()


def test_the_plain_objective_is_the_reconstruction_of_one_view(maps):
    recipe = tiny_recipe()
    views, model = _drawn(maps, recipe), _model(recipe, maps)
    assert views.second is None
    assert views.later is None
    seen, target = augment(maps.pressure[:6], recipe, _chance())
    rebuilt, pressure, terms = rebuild_and_terms(model, views, recipe)
    assert terms == {}
    assert torch.equal(rebuilt, model(seen))
    assert torch.equal(pressure, target)


def test_a_crossed_reconstruction_has_the_second_views_geometry_and_the_firsts_features(maps):
    recipe = tiny_recipe("cross_view=true")
    views, model = _drawn(maps, recipe), _model(recipe, maps)
    assert views.second is not None
    assert not torch.allclose(views.first.target, views.second.target, atol=0.1)
    first, second = (model.fuser(model.encoder(model.see(view.seen))) for view in (views.first, views.second))
    rebuilt, pressure, _ = rebuild_and_terms(model, views, recipe)
    torch.testing.assert_close(rebuilt, model.rebuild(second.positions, first.features))
    assert not torch.allclose(rebuilt, model.rebuild(first.positions, second.features), atol=1e-4)
    assert torch.equal(pressure, views.second.target)


@pytest.mark.parametrize("term", TERMS)
def test_every_term_has_its_own_switch(maps, term):
    recipe = tiny_recipe(f"{term}_weight=0.3")
    assert weights_of(recipe) == {term: 0.3}
    _, _, terms = rebuild_and_terms(_model(recipe, maps), _drawn(maps, recipe), recipe)
    assert list(terms) == [term]
    assert terms[term] >= 0


def test_every_term_by_hand(maps):
    recipe = tiny_recipe(*EVERY)
    # other people in the place of other frames: these would lie too near each other
    views, model = draw_views(maps.pressure[:6], maps.pressure[-6:], recipe, _chance()), _model(recipe, maps)
    assert views.second is not None
    assert views.later is not None
    first, second, later, flipped = (
        model.points(pressure)
        for pressure in (views.first.seen, views.second.seen, views.later, views.first.seen.flip(3))
    )
    back = [view.warp.source(of.xy_norm) * STRETCH for view, of in ((views.second, second), (views.first, first))]
    xy = torch.cat((first.xy_norm, second.xy_norm)) * STRETCH
    heatmaps = torch.cat((first.heatmaps, second.heatmaps))
    body = contact_mask(scale_free(torch.cat((views.first.target, views.second.target))), (16, 8))
    spread = torch.cat((first.spread_cells, second.spread_cells)) / 8  # in half-heights
    expected = {
        "equivariance": equivariance_loss(*back),
        "concentration": (spread**2 - 2 * 0.25**2).clamp_min(0).mean(),
        "separation": separation_loss(xy, reach=REACH),
        "contact": contact_loss(heatmaps, body),
        "flip": flip_loss(flipped.xy_norm * STRETCH, first.xy_norm * STRETCH),
        "temporal": temporal_loss(later.xy_norm * STRETCH, first.xy_norm * STRETCH, still=1.5 / 16),  # canvas cells
    }
    _, _, terms = rebuild_and_terms(model, views, recipe)
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, rtol=1e-4, atol=1e-6, msg=lambda m, name=name: f"{name}: {m}")
        assert value.item() > 0, name


def test_gradients_go_to_the_second_view_and_to_the_mirrored_map(maps, monkeypatch):
    """The first view is what both are held to; by their values alone the two could be exchanged."""
    recipe = tiny_recipe(*EVERY)
    views, model = _drawn(maps, recipe), _model(recipe, maps)
    assert views.second is not None
    for name in ("equivariance_loss", "flip_loss"):
        monkeypatch.setattr(f"matpose.training.objective.{name}", lambda moved, held_to: moved)
    _, _, terms = rebuild_and_terms(model, views, recipe)
    second, mirrored = (model.points(pressure).xy_norm for pressure in (views.second.seen, views.first.seen.flip(3)))
    torch.testing.assert_close(terms["equivariance"], views.second.warp.source(second) * STRETCH)
    torch.testing.assert_close(terms["flip"], mirrored * STRETCH)


def test_another_frame_is_moved_as_the_first_view(maps):
    """With no other change than the warp, and the same frame, nothing is left of the difference."""
    recipe = tiny_recipe("temporal_weight=1", "gamma=0", "drop_lines=0")
    same = draw_views(maps.pressure[:6], maps.pressure[:6], recipe, _chance())
    assert same.later is not None
    assert torch.equal(same.later, same.first.seen)


def test_validation_leaves_the_first_view_as_it_is(maps):
    recipe = tiny_recipe(*EVERY)
    views = _drawn(maps, recipe, as_they_are=True)
    assert torch.equal(views.first.seen, maps.pressure[:6])
    places = 2 * torch.rand(6, 9, 2) - 1
    torch.testing.assert_close(views.first.warp.source(places), places, rtol=0, atol=1e-5)
    assert views.second is not None
    assert not torch.allclose(views.second.seen, maps.pressure[:6], atol=0.1)


def test_the_parts_of_views_are_the_views(maps):
    views = _drawn(maps, tiny_recipe(*EVERY))
    halves = [views.part(part) for part in (slice(0, 2), slice(2, 6))]
    places = torch.rand(6, 3, 2)
    whole = views.second
    assert whole is not None
    parts = [half.second for half in halves if half.second is not None]
    assert torch.equal(torch.cat([part.target for part in parts]), whole.target)
    back = [part.warp.source(places[at]) for part, at in zip(parts, (slice(0, 2), slice(2, 6)), strict=True)]
    torch.testing.assert_close(torch.cat(back), whole.warp.source(places))


def test_the_other_frame_is_of_the_same_recording(maps):
    other = maps.other_frames().numpy()
    assert (maps.recording[other] == maps.recording).all()
    assert (other != np.arange(len(maps))).all()
    assert np.ptp(other - np.arange(len(maps))) == 2  # the next, or the one before
    alone = maps.select(np.array([0, 5, 10]))
    assert len(set(alone.recording.tolist())) == 3
    assert alone.other_frames().tolist() == [0, 1, 2]


def test_the_ramp_rises_evenly_and_stays():
    recipe = tiny_recipe("ramp_epochs=4")
    assert [ramp(recipe, done) for done in (0, 1, 2.5, 4, 9)] == [0, 0.25, 0.625, 1, 1]
    assert ramp(tiny_recipe(), 0) == 1


@pytest.mark.parametrize(
    ("stage", "crwt", "epoch", "share"),
    [
        ("presence", True, 0, 0.0), ("presence", True, 1, 0.5), ("presence", True, 2, 1.0),
        ("reconstruction", True, 0, 1.0), ("reconstruction", False, 1, 0.5),
    ],
)  # fmt: skip
def test_the_loss_is_the_stages_own_and_the_weighted_terms(maps, monkeypatch, stage, crwt, epoch, share):
    """Ramped over the first stage there is; every part is logged unweighted."""
    recipe = tiny_recipe(*EVERY, "ramp_epochs=2", f"crwt={crwt}", "equivariance_weight=7")
    torch.manual_seed(0)
    module = StageModule(build_efd(recipe, outputs=1 + (stage == "presence")), recipe, stage, maps, maps)
    logged: dict[str, float] = {}
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.update({name: value.item()}))
    monkeypatch.setattr(StageModule, "current_epoch", property(lambda _: epoch))
    loss = module.training_step(torch.arange(8), 0)
    assert logged.keys() == {"train_loss", f"train_{stage}", *(f"train_{term}" for term in TERMS)}
    terms = sum((7 if term == "equivariance" else 0.5) * logged[f"train_{term}"] for term in TERMS)
    assert terms > 0
    assert loss.item() == pytest.approx(logged[f"train_{stage}"] + share * terms, rel=1e-5)


def test_a_training_with_every_term_resumes_bit_for_bit_and_logs_its_parts(maps, monkeypatch, tmp_path):
    recipe = tiny_recipe(*EVERY, "ramp_epochs=1")
    train, val = maps.of_subjects(["blobs/1", "blobs/2"]), maps.of_subjects(["blobs/3"])
    whole, rows = fit_efd(train, val, recipe, tmp_path / "whole", progress=False)
    step = StageModule.training_step

    def failing(self: StageModule, index: torch.Tensor, batch_index: int) -> torch.Tensor:
        if (self.stage, self.current_epoch, batch_index) == ("reconstruction", 1, 1):
            raise RuntimeError("the power failed")
        return step(self, index, batch_index)

    with monkeypatch.context() as patch:
        patch.setattr(StageModule, "training_step", failing)
        with pytest.raises(RuntimeError, match="power"):
            fit_efd(train, val, recipe, tmp_path / "cut", progress=False)
    again, resumed = fit_efd(train, val, recipe, tmp_path / "cut", progress=False, resume=True)
    assert resumed == rows == read_history(tmp_path / "cut" / "metrics.csv")
    state = again.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in whole.state_dict().items())
    assert {f"train_{term}" for term in TERMS} <= rows[-1].keys()


@pytest.mark.parametrize("start", ["fc", "gaussian", "both"])
def test_every_start_trains_all_that_it_has(maps, start):
    recipe = tiny_recipe(f"start={start}")
    model = build_efd(recipe).train()
    rebuilt, *_ = rebuild_and_terms(model, _drawn(maps, recipe), recipe)
    assert rebuilt.shape == (6, 1, 32, 16)
    rebuilt.square().sum().backward()
    idle = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert idle == []  # several processes would wait for it for ever


FOLLOWING = (
    "cross_view=true", "start=both", "equivariance_weight=5", "concentration_weight=0.5", "separation_weight=0.5",
    "contact_weight=0.5", "crwt=false", "epochs=1", "batches_per_epoch=60", "shift=0.2",
)  # fmt: skip


def test_points_follow_the_body_by_these_terms_and_stay_behind_without(tmp_path):
    """60 steps on blob people, validated on others by warps that training never uses."""
    maps = blob_maps(16)
    val = maps.of_subjects(["blobs/1", "blobs/2", "blobs/3", "blobs/4"])
    train = maps.of_subjects([name for name in maps.subjects if name not in val.subjects])
    found = {}
    for name, changes in (("plain", ()), ("following", FOLLOWING[:6])):
        efd, _ = fit_efd(train, val, tiny_recipe(*FOLLOWING[6:], *changes), tmp_path / name, progress=False)
        found[name] = label_free(efd, val, 12)
    print({name: {k: round(v, 2) for k, v in of.items()} for name, of in found.items()})
    assert found["following"]["equivariance_median_pct"] < 0.6 * found["plain"]["equivariance_median_pct"]


@pytest.mark.slow
def test_points_follow_real_people_whom_the_training_never_saw(real_data, tmp_path):
    """Real maps are warped: the shipped recipe, briefly trained, brings its points along; the plain one does not."""
    recordings = list(load(f"pmatdata:{real_data / 'pmatdata'}", subjects="i:1-3"))
    found = {}
    for name in ("native", "plain"):
        recipe = load_recipe(name, ("presence_epochs=2", "epochs=6", "frames_per_recording=2"))
        maps = collect_maps(recordings, recipe.canvas, frames_per_recording=recipe.frames_per_recording)
        train, val = maps.of_subjects(["pmatdata/S1", "pmatdata/S2"]), maps.of_subjects(["pmatdata/S3"])
        efd, _ = fit_efd(train, val, recipe, tmp_path / name, progress=False)
        found[name] = label_free(efd, val)
    print({name: {key: round(value, 2) for key, value in of.items()} for name, of in found.items()})
    native, plain_one = found["native"], found["plain"]
    assert native["equivariance_median_pct"] < 2.5  # 5 cm
    assert native["equivariance_p95_pct"] < 6
    assert native["swap_ratio"] > 2  # the points are used
    assert native["distance_mean_cm"] > 30  # and are not all at the centre of pressure
    assert plain_one["equivariance_median_pct"] > 2 * native["equivariance_median_pct"]
