"""Rules: what each ATen operation means to an interpreter, one entry an operation."""

from linearscope.rules import activations, convolutions, linear, norms, pooling, products, resampling
from linearscope.rules.maps import (
    Branch,
    FirstOrder,
    LinearMap,
    Operation,
    Product,
    Selection,
    Slope,
)
from linearscope.rules.registry import Call, Rule, find, first_order, register, table

__all__ = [
    "Branch",
    "Call",
    "FirstOrder",
    "LinearMap",
    "Operation",
    "Product",
    "Rule",
    "Selection",
    "Slope",
    "activations",
    "convolutions",
    "find",
    "first_order",
    "linear",
    "norms",
    "pooling",
    "products",
    "register",
    "resampling",
    "table",
]
