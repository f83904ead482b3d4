"""What `observe` notes of a call, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import torch

from kcompat.compare import compare, facts, observe, observe_function
from kcompat.layers import ActivityRegularization, Dense, Masking


def test_a_dense_layer():
    layer = Dense(2, name="d", kernel_regularizer="l2")
    x = torch.tensor([[1.0, 2.0, 3.0]])
    layer(x)
    layer.set_weights([np.array([[1, 0], [0, 1], [1, 1]], "float32"), np.array([10, 20], "float32")])
    cotangent = np.array([[1.0, 10.0]], "float32")
    record = observe(layer, x, cotangent=lambda index, shape: cotangent)
    assert record["output/0"].tolist() == [[14, 25]] and record["mask/0"] is None
    assert record["gradient/input/0"].tolist() == [[1, 10, 11]]
    assert record["gradient/weight/0"].tolist() == [[1, 10], [2, 20], [3, 30]]
    assert record["gradient/weight/1"].tolist() == [1, 10]
    np.testing.assert_allclose(record["loss/0"], 0.01 * 4)
    told = facts(layer)
    assert told["weights"] == [["kernel", [3, 2]], ["bias", [2]]] and told["name"] == "d" and told["config"]["units"] == 2
    assert not x.requires_grad


def test_a_mask_and_what_does_not_depend():
    x = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    record = observe(Masking(), x, cotangent=lambda index, shape: np.ones(shape, "float32"))
    assert record["mask/0"].tolist() == [[True, False]]
    assert record["gradient/input/0"].tolist() == [[[1, 1], [0, 0]]]
    other = observe(ActivityRegularization(l1=1.0), x)
    assert "gradient/input/0" not in other and other["loss/0"] == 1.0


def test_a_function():
    record = observe_function(lambda x: (x**3).sum(), torch.tensor([1.0, -2.0]), lambda index, shape: np.array(2.0, "float32"))
    assert record["output/0"] == -7 and record["gradient/input/0"].tolist() == [6, 24]
    assert compare(record, record)
    cut = observe_function(lambda x: (x.detach() ** 3).sum(), torch.tensor([1.0, -2.0]), lambda index, shape: np.array(2.0, "float32"))
    assert cut["gradient/input/0"] is None
    assert [d.what for d in compare(record, cut).differences] == ["gradient/input/0"]
