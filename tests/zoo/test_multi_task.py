"""Two tasks from one stem, of windows and of patches: each trains alone where the other weighs nothing."""

from __future__ import annotations

import pytest
import torch
from blob_joints import blob_people, errors_of_training, exported_difference, gradients, system_of
from blob_joints import seeded as _seeded  # noqa: F401
from torch.nn import functional as F

from matpose.zoo.heads.blazepose import offsets_to
from matpose.zoo.heads.dual_source import DualSourceHead, Patches
from matpose.zoo.heads.multi_task import MultiTaskHead, Tasks, window_of
from matpose.zoo.system import Head, Seen

HEADS = {
    "multi-task": lambda: MultiTaskHead(16, width=16, hidden=64),
    "dual source": lambda: DualSourceHead(16, width=32),
}
TASKS = {
    "multi-task": {"place": "regression", "detection": "detection"},
    "dual source": {"localisation": "localisation", "detection": "detection"},
}


def lone_gradients(head: Head, task: str) -> tuple[list[torch.Tensor], dict[str, list[torch.Tensor]]]:
    """Of the stem, and of each task's own layers, when one task alone has a weight."""
    x, truth = blob_people()
    system = system_of(head)
    for name in head.weights:
        head.weights[name] = float(name == task)
    system.loss(x, truth)["loss"].backward()
    kind = "multi-task" if isinstance(head, MultiTaskHead) else "dual source"
    own = {name: gradients(getattr(head, layer)) for name, layer in TASKS[kind].items()}
    return gradients(system.backbone), own


@pytest.mark.parametrize("name", HEADS)
def test_each_trains_alone_where_the_other_weighs_nothing(name):
    for task in TASKS[name]:
        stem, own = lone_gradients(HEADS[name](), task)
        assert any(grad.abs().max() > 0 for grad in stem)
        for other, grads in own.items():
            assert all((grad.abs().max() > 0) == (other == task) for grad in grads), (task, other)


@pytest.mark.parametrize("name", HEADS)
def test_they_learn(name):
    before, after = errors_of_training(HEADS[name]())
    assert after < 0.3 * before


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_they_export(name, tmp_path):
    x, _ = blob_people(5)
    assert exported_difference(system_of(HEADS[name]()), tmp_path / "it.onnx", x) < 1e-4


def test_every_joint_on_the_map_has_one_window_and_others_none():
    xy_norm = 3 * torch.rand(50, 14, 2, generator=torch.Generator().manual_seed(0)) - 1.5
    windows = window_of(xy_norm, (8, 4))
    inside = (xy_norm.abs() < 1).all(-1)
    assert inside.any()
    assert torch.equal(windows.sum((2, 3)), inside.float())
    person, joint, row, col = windows.nonzero().unbind(1)
    centre = torch.stack(((col + 0.5) / 2 - 1, (row + 0.5) / 4 - 1), -1)
    off = (xy_norm[person, joint] - centre).abs()
    assert (off <= torch.tensor((1 / 4, 1 / 8)) + 1e-6).all()


def test_multi_task_losses_are_the_papers():
    _, truth = blob_people()
    weight = torch.rand(4, 14, generator=torch.Generator().manual_seed(1)).round()
    said = Tasks(truth.xy_norm + torch.tensor((0.3, 0.4)), torch.zeros(4, 14, 8, 4))
    parts = MultiTaskHead(16).losses(said, truth._replace(weight=weight))
    assert parts["place"] == pytest.approx(0.25)
    assert parts["detection"] == pytest.approx(0.6931, abs=1e-4)
    sure = MultiTaskHead(16).answer(said._replace(windows=100 * (2 * window_of(truth.xy_norm, (8, 4)) - 1)))
    assert torch.equal(sure.score == 1, (truth.xy_norm.abs() < 1).all(-1))
    assert (sure.score == 1).any()
    assert torch.equal(sure.xy_norm, said.xy_norm)


def perfect(truth, half: float, size: tuple[int, int]) -> Patches:
    """Patches that know: by hand, cell by cell."""
    rows, cols = size
    is_class = torch.full((len(truth.xy_norm), rows, cols), 14)
    for person, joints in enumerate(((truth.xy_norm + 1) / 2 * torch.tensor((cols, rows))).tolist()):
        for row in range(rows):
            for col in range(cols):
                off = [(x - col - 0.5, y - row - 0.5) for x, y in joints]
                inside = [j for j, (x, y) in enumerate(off) if max(abs(x), abs(y)) <= half]
                if inside:
                    is_class[person, row, col] = min(inside, key=lambda j: off[j][0] ** 2 + off[j][1] ** 2)
    detection = 100 * F.one_hot(is_class, 15).float().permute(0, 3, 1, 2)
    return Patches(detection, offsets_to(truth.xy_norm, size) / half)


def test_patches_that_know_cost_nothing_and_answer_right():
    _, truth = blob_people()
    head = DualSourceHead(16, patch=3)
    right = perfect(truth, 1.5, (16, 8))
    assert all(value == 0 for value in head.losses(right, truth).values())
    answer = head.answer(right)
    shown = answer.score > 0.5
    assert shown.sum() > 50
    torch.testing.assert_close(answer.xy_norm[shown], truth.xy_norm[shown])
    wrong = head.losses(Patches(right.detection.roll(1, 1), right.localisation + 0.5), truth)
    assert wrong["detection"] > 1
    assert wrong["localisation"] == pytest.approx(0.5)


def test_a_joint_that_is_not_known_teaches_no_patch():
    _, truth = blob_people()
    head = DualSourceHead(16)
    weight = torch.ones(4, 14)
    weight[:, 13] = 0  # the head: nobody else's patches
    right = perfect(truth, 1.5, (16, 8))
    unsure = right.detection.clone()
    at_head = right.detection[:, 13] > 0
    assert at_head.sum() > 8
    unsure.permute(0, 2, 3, 1)[at_head] = 0.0
    lost = head.losses(Patches(unsure, right.localisation), truth)
    assert lost["detection"] > 0
    lost = head.losses(Patches(unsure, right.localisation), truth._replace(weight=weight))
    assert lost["detection"] == 0


def test_a_patchs_word_hangs_on_the_whole_map_too():
    torch.manual_seed(0)
    head = DualSourceHead(16, width=8).eval()
    features = torch.rand(1, 16, 16, 8)
    changed = features.clone()
    changed[:, :, -1] += 1  # far from the first row's patches
    one, other = (head(Seen(each, ())).detection for each in (features, changed))
    assert (one - other)[..., 0, :].abs().min() > 0
    head.join[1].weight.data[:, 8:16] = 0  # pyright: ignore  # without the whole map's source
    one, other = (head(Seen(each, ())).detection for each in (features, changed))
    assert torch.equal(one[..., :14, :], other[..., :14, :])
