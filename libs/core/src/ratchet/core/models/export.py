"""From gradient-boosted trees to ONNX."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

_OPSET, _ML_OPSET, _IR = 18, 3, 9


def to_onnx(classifier: "HistGradientBoostingClassifier", n_features: int) -> bytes:
    """Return a binary classifier as an ONNX graph: features float32 [n, k] to probability float32 [n, 1].

    Written straight from the trees: a sum of regression trees and a sigmoid. The same trees give the same
    bytes.
    """
    from onnx import TensorProto, helper

    raw = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["raw"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        base_values=classifier._baseline_prediction.astype(np.float32).ravel().tolist(),  # noqa: SLF001
        **_tree_attributes([stage[0].nodes for stage in classifier._predictors]),  # noqa: SLF001
    )
    graph = helper.make_graph(
        [raw, helper.make_node("Sigmoid", ["raw"], ["probability"])],
        "ratchet",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, n_features])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="ratchet", ir_version=_IR)
    return bytes(model.SerializeToString(deterministic=True))


def _tree_attributes(trees: list[NDArray[Any]]) -> dict[str, Any]:
    nodes = np.concatenate(trees)
    sizes = [len(tree) for tree in trees]
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    leaf = nodes["is_leaf"].astype(bool)
    return {
        "nodes_treeids": tree_ids.tolist(),
        "nodes_nodeids": node_ids.tolist(),
        "nodes_featureids": np.where(leaf, 0, nodes["feature_idx"]).tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_values": np.where(leaf, 0.0, _rounded_down(nodes["num_threshold"])).tolist(),
        "nodes_truenodeids": np.where(leaf, 0, nodes["left"]).astype(int).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, nodes["right"]).astype(int).tolist(),
        "nodes_missing_value_tracks_true": np.where(leaf, 0, nodes["missing_go_to_left"])
        .astype(int)
        .tolist(),
        "target_treeids": tree_ids[leaf].tolist(),
        "target_nodeids": node_ids[leaf].tolist(),
        "target_ids": [0] * int(leaf.sum()),
        "target_weights": nodes["value"][leaf].tolist(),
    }


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    # ONNX compares in float32. A threshold rounded to nearest could pass a float32 value that it cuts off in
    # float64; rounded down it sorts every float32 value as before.
    largest = np.finfo(np.float32).max
    rounded = np.clip(thresholds, -largest, largest).astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)
