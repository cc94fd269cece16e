"""TransPose: attention that sums to one, cells alike without places, the picture, the export."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from blob_joints import blob_people, errors_of_training, exported_difference, system_of
from blob_joints import seeded as _seeded  # noqa: F401
from torch.nn import functional as F

from matpose.errors import MatposeError, ModelError
from matpose.recording import JOINT_NAMES
from matpose.zoo.attention_picture import attention_picture
from matpose.zoo.heads.transpose import Attention, EncoderLayer, TransPoseHead, sine_positions
from matpose.zoo.system import Seen

FEATURES = torch.rand(3, 16, 8, 4, generator=torch.Generator().manual_seed(5))


def head(**changes: Any) -> TransPoseHead:
    torch.manual_seed(0)
    made = TransPoseHead(16, width=32, layers=2, heads=2, hidden=32, **changes)
    torch.nn.init.normal_(made.heat.weight)  # peaks that differ
    return made.eval()


def test_attention_is_torchs_own():
    torch.manual_seed(1)
    ours, theirs = Attention(12, 3), torch.nn.MultiheadAttention(12, 3, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in (ours.query, ours.key, ours.value)]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in (ours.query, ours.key, ours.value)]))
        theirs.out_proj.load_state_dict(ours.out.state_dict())
    query, key, value = torch.rand(2, 4, 12), torch.rand(2, 7, 12), torch.rand(2, 7, 12)
    expected, rows = theirs(query, key, value, average_attn_weights=False)
    torch.testing.assert_close(ours(query, key, value), expected)
    torch.testing.assert_close(ours.rows(query, key), rows)


def test_a_layer_is_torchs_own_where_nothing_has_a_place():
    torch.manual_seed(1)
    ours = EncoderLayer(12, 3, 20)
    theirs = torch.nn.TransformerEncoderLayer(12, 3, 20, dropout=0.0, batch_first=True)
    attention = ours.attention
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(
            torch.cat([part.weight for part in (attention.query, attention.key, attention.value)])
        )
        theirs.self_attn.in_proj_bias.copy_(
            torch.cat([part.bias for part in (attention.query, attention.key, attention.value)])
        )
    theirs.self_attn.out_proj.load_state_dict(attention.out.state_dict())
    theirs.linear1.load_state_dict(ours.feed[0].state_dict())
    theirs.linear2.load_state_dict(ours.feed[2].state_dict())
    tokens = torch.rand(2, 5, 12)
    torch.testing.assert_close(ours(tokens, torch.zeros(5, 12)), theirs(tokens))


def test_attention_rows_sum_to_one_and_are_of_the_joints_own_cell():
    made = head()
    output = made(Seen(FEATURES, ()))
    found = made.attention(output)
    assert found.shape == (2, 3, 14, 8, 4)
    assert (found >= 0).all()
    torch.testing.assert_close(found.sum((3, 4)), torch.ones(2, 3, 14))
    places = sine_positions(32, 8, 4, FEATURES)
    for layer, tokens in enumerate(output.tokens):
        placed = tokens + places
        every = made.layers[layer].attention.rows(placed, placed).mean(1)  # (3, 32, 32)  # pyright: ignore
        for person in range(3):
            for joint in range(14):
                cell = int(output.heatmaps[person, joint].argmax())
                torch.testing.assert_close(found[layer, person, joint].flatten(), every[person, cell])
    assert found.flatten(3).std(-1).min() > 0  # else all rows would be alike


def test_the_layers_tokens_make_the_heatmaps():
    made = head()
    output = made(Seen(FEATURES, ()))
    last = made.layers[1](output.tokens[1], sine_positions(32, 8, 4, FEATURES))
    torch.testing.assert_close(made.heat(last.mT.reshape(3, 32, 8, 4)), output.heatmaps)


@pytest.mark.parametrize("positions", [False, True])
def test_cells_are_alike_without_positions_alone(positions):
    made = head(positions=positions)
    order = torch.randperm(32, generator=torch.Generator().manual_seed(2))
    shuffled = FEATURES.flatten(2)[..., order].view_as(FEATURES)
    with torch.no_grad():
        expected = made(Seen(FEATURES, ())).heatmaps.flatten(2)[..., order]
        found = made(Seen(shuffled, ())).heatmaps.flatten(2)
    assert torch.allclose(found, expected, atol=1e-4) != positions


def test_no_two_cells_have_the_same_position_and_near_ones_are_alike():
    places = sine_positions(32, 16, 8, torch.zeros(1))
    alike = F.cosine_similarity(places[:, None], places[None], dim=-1)
    assert (alike - torch.eye(128)).max() < 0.999
    assert alike[0, 1] > alike[0, 3]
    assert alike[0, 8] > alike[0, 24]
    torch.testing.assert_close(places[:8, :16], places[:1, :16].expand(8, 16))  # of one row, the y half is one


def test_it_learns():
    before, after = errors_of_training(TransPoseHead(16, width=32, layers=1, heads=2, hidden=32))
    assert after < 0.3 * before


@pytest.mark.slow
def test_it_exports(tmp_path):
    x, _ = blob_people(5)
    system = system_of(TransPoseHead(16, width=32, layers=2, heads=2, hidden=32))
    assert exported_difference(system, tmp_path / "it.onnx", x) < 1e-4


def test_coarse_features_are_refined():
    made = TransPoseHead(8, 16, width=16, layers=1, heads=1, hidden=16)
    assert made(Seen(torch.rand(2, 8, 4, 2), ())).heatmaps.shape == (2, 14, 16, 8)


def test_the_picture_shows_each_joint_in_each_layer():
    made = head()
    output = made(Seen(FEATURES, ()))
    shown = ["head_top", "left_knee", "right_wrist"]
    xy_norm = made.answer(output).xy_norm[1].detach().numpy()
    looked = made.attention(output)[:, 1].numpy()
    figure = attention_picture(torch.rand(32, 16).numpy(), looked, xy_norm, JOINT_NAMES, shown=shown)
    panels = figure.axes
    assert len(panels) == 6
    assert [panel.get_ylabel() for panel in panels] == ["layer 1", "", "", "layer 2", "", ""]
    for index, panel in enumerate(panels):
        joint = JOINT_NAMES.index(shown[index % 3])
        veil = panel.images[1].get_array()
        expected = looked[index // 3, joint]
        assert veil is not None
        torch.testing.assert_close(
            torch.as_tensor(veil[..., 3]), torch.tensor(0.8 * expected / expected.max()).double()
        )
        assert panel.lines[0].get_xydata() == pytest.approx(xy_norm[joint][None])
    figure.canvas.draw()


def test_what_is_refused():
    with pytest.raises(ModelError, match="multiple of 4"):
        TransPoseHead(8, width=18, heads=2)
    with pytest.raises(ModelError, match="cannot share"):
        TransPoseHead(8, width=16, heads=3)
    rows, xy_norm = torch.ones(1, 14, 2, 2).numpy(), torch.zeros(14, 2).numpy()
    with pytest.raises(MatposeError, match="no joints"):
        attention_picture(rows[0, 0], rows, xy_norm, JOINT_NAMES, shown=["nose"])
    with pytest.raises(MatposeError, match="fit together"):
        attention_picture(rows[0, 0], rows[:, :3], xy_norm, JOINT_NAMES, shown=["thorax"])
