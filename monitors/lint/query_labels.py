"""Query labels: which labels the result of a query has, as far as its text says."""

from __future__ import annotations

from typing import Any

from monitors.promql import children

Labels = frozenset[str]
_UNCHANGED = frozenset({"topk", "bottomk", "limitk", "limit_ratio", "count_values"})
_RELABELLED = frozenset({"label_replace", "label_join", "absent", "absent_over_time"})
_SCALARS = frozenset({"scalar", "time", "pi"})
_SETS = frozenset({"and", "or", "unless"})


def is_scalar(node: Any) -> bool:
    """Whether a node is one number without labels, which goes with whatever stands beside it."""
    match type(node).__name__:
        case "NumberLiteral":
            return True
        case "ParenExpr" | "UnaryExpr":
            return is_scalar(node.expr)
        case "BinaryExpr":
            return is_scalar(node.lhs) and is_scalar(node.rhs)
        case "Call":
            return node.func.name in _SCALARS
        case _:
            return False


def labels(node: Any) -> Labels | None:
    """The labels that the series of a node may have; None when only the server knows."""
    match type(node).__name__:
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            return labels(node.expr)
        case "AggregateExpr":
            return _of_aggregate(node)
        case "Call":
            return _of_call(node)
        case "BinaryExpr":
            return _of_binary(node)
        case _:
            return None


def pairs_up(node: Any) -> tuple[Labels, Labels] | None:
    """Both sides' labels where an operator pairs series that can't be alike; None where it is all right, or unknown."""
    if node.modifier is not None and node.modifier.matching is not None:
        return None
    if str(node.op) == "or" or is_scalar(node.lhs) or is_scalar(node.rhs):
        return None
    left, right = labels(node.lhs), labels(node.rhs)
    return (left, right) if left is not None and right is not None and left != right else None


def unsummed(node: Any) -> bool:
    """Whether a result has a series for each one that was selected, recorded ones (with a colon) left out."""
    match type(node).__name__:
        case "AggregateExpr":
            return str(node.op) in _UNCHANGED
        case "VectorSelector":
            return ":" not in (node.name or ":")
        case "Call" if node.func.name in (*_SCALARS, "vector", *_RELABELLED):
            return False
        case _:
            return any(unsummed(child) for child in children(node))


def _of_aggregate(node: Any) -> Labels | None:
    if str(node.op) in _UNCHANGED:
        return None
    if node.modifier is None:
        return frozenset()
    return frozenset(node.modifier.labels) if str(node.modifier.type).endswith("By") else None


def _of_call(node: Any) -> Labels | None:
    name = node.func.name
    if name == "vector":
        return frozenset()
    if name in _RELABELLED:
        return None
    found = [labels(argument) for argument in node.args if not is_scalar(argument)]
    one = found[0] if len(found) == 1 else None
    return one - {"le"} if one is not None and name == "histogram_quantile" else one


def _of_binary(node: Any) -> Labels | None:
    if is_scalar(node.lhs):
        return labels(node.rhs)
    if is_scalar(node.rhs) or str(node.op) in _SETS - {"or"}:
        return labels(node.lhs)
    left, right = labels(node.lhs), labels(node.rhs)
    if node.modifier is not None and node.modifier.matching is not None and str(node.op) != "or":
        return None
    return left if left == right else None
