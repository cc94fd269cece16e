"""The graph layers against their sparse twins and their formulas; the net against its invariances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import kneighbors_graph
from torch_geometric.nn import DenseGATConv, DenseGCNConv, DenseSAGEConv, GATConv, GCNConv, SAGEConv

from matpose.errors import ModelError
from matpose.nn.posture_graph import Layer, PostureGraphNet, knn_adjacency

K, IN, OUT, HEADS = 9, 5, 4, 2


@pytest.fixture(scope="module")
def graph() -> tuple[torch.Tensor, torch.Tensor]:
    """Node features (K, IN) and an undirected random graph (K, K) with one point left alone."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(K, IN, generator=generator)
    upper = (torch.rand(K, K, generator=generator) < 0.4).float().triu(1)
    upper[:, -1] = 0
    return x, upper + upper.T


def _softmax_rows(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


def test_gcn_is_the_sparse_layer_and_its_formula(graph):
    x, adjacency = graph
    dense, sparse = DenseGCNConv(IN, OUT), GCNConv(IN, OUT)
    torch.nn.init.normal_(dense.bias)
    sparse.load_state_dict(dense.state_dict())
    found = dense(x, adjacency)[0].detach()
    torch.testing.assert_close(found, sparse(x, adjacency.nonzero().T).detach(), atol=1e-5, rtol=1e-5)

    looped = adjacency.numpy() + np.eye(K)
    root = 1 / np.sqrt(looped.sum(1))
    formula = (root[:, None] * looped * root) @ x.numpy() @ dense.lin.weight.detach().numpy().T
    np.testing.assert_allclose(found, formula + dense.bias.detach().numpy(), atol=1e-5)


def test_sage_is_the_sparse_layer_and_its_formula(graph):
    x, adjacency = graph
    dense, sparse = DenseSAGEConv(IN, OUT), SAGEConv(IN, OUT)
    sparse.lin_l.weight.data, sparse.lin_l.bias.data = dense.lin_rel.weight.data, dense.lin_root.bias.data
    sparse.lin_r.weight.data = dense.lin_root.weight.data
    found = dense(x, adjacency)[0].detach()
    torch.testing.assert_close(found, sparse(x, adjacency.nonzero().T).detach(), atol=1e-5, rtol=1e-5)

    links = adjacency.numpy()
    mean = links @ x.numpy() / np.maximum(links.sum(1, keepdims=True), 1)
    rel, root = dense.lin_rel.weight.detach().numpy(), dense.lin_root.weight.detach().numpy()
    formula = mean @ rel.T + x.numpy() @ root.T + dense.lin_root.bias.detach().numpy()
    np.testing.assert_allclose(found, formula, atol=1e-5)


def test_gat_is_the_sparse_layer_and_its_formula(graph):
    x, adjacency = graph
    dense, sparse = DenseGATConv(IN, OUT, heads=HEADS), GATConv(IN, OUT, heads=HEADS)
    torch.nn.init.normal_(dense.bias)
    state = dense.state_dict()
    for name in ("att_src", "att_dst"):
        state[name] = state[name][0]
    sparse.load_state_dict(state)
    found = dense(x, adjacency)[0].detach()
    torch.testing.assert_close(found, sparse(x, adjacency.nonzero().T).detach(), atol=1e-5, rtol=1e-5)

    h = (x @ dense.lin.weight.T).detach().numpy().reshape(K, HEADS, OUT)
    heads = []
    for head in range(HEADS):
        source = h[:, head] @ dense.att_src.detach().numpy()[0, 0, head]
        target = h[:, head] @ dense.att_dst.detach().numpy()[0, 0, head]
        scores = target[:, None] + source[None]
        scores = np.where(scores > 0, scores, 0.2 * scores)
        scores[(adjacency.numpy() + np.eye(K)) == 0] = -np.inf
        heads.append(_softmax_rows(scores) @ h[:, head])
    np.testing.assert_allclose(found, np.concatenate(heads, 1) + dense.bias.detach().numpy(), atol=1e-5)


@pytest.mark.parametrize("neighbours", [1, 4, 11])
def test_knn_adjacency_is_that_of_scikit_learn_made_mutual(neighbours):
    xy = torch.rand(6, 12, 2, generator=torch.Generator().manual_seed(1))
    found = knn_adjacency(xy, neighbours).numpy()
    for points, adjacency in zip(xy.numpy(), found, strict=True):
        asked = kneighbors_graph(points, neighbours).toarray()
        np.testing.assert_array_equal(adjacency, np.maximum(asked, asked.T))


def test_points_on_one_spot_have_neighbours_but_not_themselves():
    adjacency = knn_adjacency(torch.zeros(1, 5, 2), 2)
    assert torch.isfinite(adjacency).all()
    assert not adjacency.diagonal(dim1=1, dim2=2).any()
    assert (adjacency.sum(-1) >= 2).all()


@pytest.fixture(scope="module")
def frames() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(7, 16, 2, generator=generator), 3 + 5 * torch.randn(7, 16, 8, generator=generator)


def _net(layer: Layer = "sage", **options) -> PostureGraphNet:
    torch.manual_seed(0)
    return PostureGraphNet(layer, 16, 8, 3, **options)


def _fed(net: PostureGraphNet, frames) -> PostureGraphNet:
    """The net after it has seen data: its statistics are not those of a fresh one."""
    net.standardise_by(*frames)
    for _ in range(3):
        net(*frames)
    return net.eval()


@pytest.mark.parametrize("edges", ["knn", "complete"])
@pytest.mark.parametrize("layer", ["gcn", "gat", "sage"])
def test_without_identity_the_order_of_the_points_does_not_matter(layer, edges, frames):
    order = torch.randperm(16, generator=torch.Generator().manual_seed(5))
    xy, features = frames
    for identity in (False, True):
        net = _fed(_net(layer, edges=edges, identity=identity), frames)
        same = torch.allclose(net(xy, features), net(xy[:, order], features[:, order]), atol=1e-5)
        assert same is not identity


@pytest.mark.parametrize("layer", ["gcn", "gat", "sage"])
def test_a_frame_answers_alone_as_in_its_batch(layer, frames):
    net = _fed(_net(layer), frames)
    alone = torch.cat([net(frames[0][i : i + 1], frames[1][i : i + 1]) for i in range(7)])
    torch.testing.assert_close(alone, net(*frames), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("nodes", "reached"),
    [("coordinates+features", (True, True)), ("coordinates", (True, False)), ("features", (False, True))],
)
def test_gradients_reach_the_inputs_that_the_nodes_carry_and_no_others(nodes, reached, frames):
    xy, features = (part.clone().requires_grad_() for part in frames)
    _fed(_net(nodes=nodes), frames)(xy, features).square().sum().backward()
    found = tuple(part.grad is not None and bool((part.grad != 0).any((1, 2)).all()) for part in (xy, features))
    assert found == reached


def test_features_on_a_complete_graph_do_not_see_the_coordinates(frames):
    xy, features = frames
    complete = _fed(_net(nodes="features", edges="complete"), frames)
    torch.testing.assert_close(complete(xy, features), complete(xy.flip(1), features))
    nearest = _fed(_net(nodes="features", edges="knn"), frames)
    assert not torch.allclose(nearest(xy, features), nearest(xy.flip(1), features), atol=1e-3)


@pytest.mark.parametrize("identity", [True, False])
def test_inputs_are_standardised_by_the_training_frames(identity, frames):
    xy, features = frames
    plain = _net(identity=identity)
    plain.standardise_by(xy, features)
    scaled = _net(identity=identity)
    scaled.standardise_by(xy, 10 * features - 4)
    torch.testing.assert_close(plain.eval()(xy, features), scaled.eval()(xy, 10 * features - 4), atol=1e-4, rtol=0)


def test_too_few_points_for_the_neighbours_is_a_model_error():
    with pytest.raises(ModelError, match="6 points"):
        PostureGraphNet("sage", 6, 8, 3)
    PostureGraphNet("sage", 6, 8, 3, edges="complete")


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["gcn", "gat", "sage"])
def test_onnx_gives_the_same_logits_for_any_batch(layer, frames, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    net = _fed(_net(layer), frames)
    batch = torch.export.Dim("batch")
    program = torch.onnx.export(
        net, frames, dynamo=True, verbose=False, input_names=["xy", "features"],
        dynamic_shapes={"xy": {0: batch}, "features": {0: batch}},
    )  # fmt: skip
    assert program is not None
    program.save(tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    for count in (1, 7):
        xy, features = frames[0][:count], frames[1][:count]
        (logits,) = session.run(None, {"xy": xy.numpy(), "features": features.numpy()})
        np.testing.assert_allclose(logits, net(xy, features).detach().numpy(), atol=1e-4)
