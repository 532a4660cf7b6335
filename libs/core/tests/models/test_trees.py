"""Sums of trees have the bits of onnxruntime's, for every shape of tree; other graphs are left to it."""

import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from ratchet.core.models.export import to_onnx
from ratchet.core.models.trees import MAX_LEAVES, split_trees

WIDTH = 9


def grown(max_leaves, trees=12, rows=4_000, constant=False):
    """Return an exported classifier, and rows that sit on its thresholds, beside them, and nowhere."""
    rng = np.random.default_rng(max_leaves)
    x = rng.integers(-6, 7, size=(rows, WIDTH)).astype(np.float32) / 3
    x[rng.random(x.shape) < 0.15] = np.nan
    y = np.nansum(x[:, :4] * [1, -1, 2, 0.5], axis=1) + rng.normal(0, 1.5, rows) > 0
    least = rows if constant else 1
    classifier = HistGradientBoostingClassifier(
        max_iter=trees,
        max_leaf_nodes=max_leaves,
        min_samples_leaf=least,
        random_state=0,
        early_stopping=False,
    )
    data = to_onnx(classifier.fit(x, y), WIDTH)
    thresholds = x[:150] + np.float32(1 / 6)
    above = np.nextafter(thresholds, np.float32(np.inf))
    extreme = np.full((2, WIDTH), np.inf, dtype=np.float32) * np.array([[1], [-1]], dtype=np.float32)
    return data, np.ascontiguousarray(np.vstack([x[:500], thresholds, above, extreme]))


def session(data):
    """Load a graph for one thread, as the product does: several add up in another order."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def by_onnxruntime(data, x):
    """Return the sums before the sigmoid."""
    model = onnx.load_from_string(data)
    del model.graph.node[1]
    model.graph.output[0].name = "raw"
    return session(model.SerializeToString()).run(None, {"features": x})[0][:, 0]


@pytest.mark.parametrize("max_leaves", [2, 5, 31, 32, 33, MAX_LEAVES])
def test_sums_have_the_bits_of_onnxruntime(max_leaves):
    data, x = grown(max_leaves)
    trees, _ = split_trees(data, WIDTH)
    expected = by_onnxruntime(data, x)
    assert len(np.unique(expected)) > max_leaves
    np.testing.assert_array_equal(trees.sums(x), expected)
    for size in (1, 63, 64, 65):
        np.testing.assert_array_equal(trees.sums(x[-size:]), expected[-size:])


def test_the_rest_of_the_graph_takes_the_sums(trained, make_training_set):
    x = make_training_set().x
    trees, rest = split_trees(trained.onnx, x.shape[1])
    expected = session(trained.onnx).run(None, {"features": x})[0]
    then = session(rest)
    (given,) = then.get_inputs()
    np.testing.assert_array_equal(then.run(None, {given.name: trees.sums(x).reshape(-1, 1)})[0], expected)


def test_trees_without_a_test_are_constants():
    data, x = grown(31, constant=True)
    trees, _ = split_trees(data, WIDTH)
    np.testing.assert_array_equal(trees.sums(x), by_onnxruntime(data, x))


def changed(data, **attributes):
    """Return a graph with other attributes of its trees."""
    model = onnx.load_from_string(data)
    node = model.graph.node[0]
    for name, value in attributes.items():
        (old,) = (item for item in node.attribute if item.name == name)
        node.attribute.remove(old)
        node.attribute.append(onnx.helper.make_attribute(name, value))
    return bytes(model.SerializeToString())


def test_what_is_no_plain_sum_of_small_trees_is_left_to_onnxruntime():
    data, _ = grown(31)
    others = [grown(MAX_LEAVES + 1, trees=2)[0], changed(data, aggregate_function="AVERAGE")]
    others.append(changed(data, nodes_modes=["LEAF"] + ["BRANCH_LT"] * 9))
    for other in others:
        assert split_trees(other, WIDTH) == (None, other)
    # A feature that rows do not have would be read from beyond them.
    assert split_trees(data, 1) == (None, data)
