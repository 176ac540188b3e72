"""Relevance in a slower, less complicated way: every layer an explicit matrix, every rule a line on its terms."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

#: From a layer's input (n,), matrix (m, n), bias (m,) and relevance (m,), the relevance (n,) before it.
Rule = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def quotient(above, below, epsilon):
    below = below + epsilon * torch.where(below < 0, -1.0, 1.0).to(below)
    return torch.where(below == 0, 0.0, above / torch.where(below == 0, 1.0, below))


def positive(value):
    return value * (value > 0)


def negative(value):
    return value * (value < 0)


def shared(terms, bias, relevance, epsilon):
    """Terms (m, n) share each output's relevance in proportion."""
    return quotient(terms, (terms.sum(1) + bias)[:, None], epsilon).T @ relevance


def epsilon_rule(epsilon: float) -> Rule:
    return lambda a, w, b, r: shared(a * w, b, r, epsilon)


def gamma_rule(gamma: float, definition: str, epsilon: float = 0.0) -> Rule:
    def classic(a, w, b, r):
        bias = b + gamma * positive(b) if definition == "positive" else b
        return shared(a * (w + gamma * positive(w)), bias, r, epsilon)

    def generalised(a, w, b, r):
        result = torch.zeros_like(a)
        for row, bias, relevance in zip(w, b, r, strict=True):
            sign = 1.0 if (row @ a + bias) >= 0 else -1.0
            terms, rest = row * a, bias
            terms = torch.where(terms * sign > 0, terms * (1 + gamma), terms)
            rest = rest * (1 + gamma) if rest * sign > 0 else rest
            result += shared(terms[None], rest[None], relevance[None], epsilon)
        return result

    return generalised if definition == "generalised" else classic


def alpha_beta_rule(alpha: float, beta: float, bias: bool = True, epsilon: float = 0.0) -> Rule:
    def rule(a, w, b, r):
        b = b if bias else torch.zeros_like(b)
        terms = a * w
        result = alpha * shared(positive(terms), positive(b), r, epsilon)
        return result - beta * shared(negative(terms), negative(b), r, epsilon) if beta else result

    return rule


def box_rule(low: float, high: float, epsilon: float = 0.0) -> Rule:
    return lambda a, w, b, r: shared(a * w - low * positive(w) - high * negative(w), 0 * b, r, epsilon)


def squared_rule(epsilon: float = 0.0) -> Rule:
    return lambda a, w, b, r: shared(w**2, 0 * b, r, epsilon)


def flat_rule(epsilon: float = 0.0) -> Rule:
    return lambda a, w, b, r: shared((w != 0).to(w), 0 * b, r, epsilon)


def matrix(function: Callable[[Tensor], Tensor], like: Tensor) -> Tensor:
    """The matrix of a linear function of values in the shape of ``like`` ``(1, ...)``."""
    basis = torch.eye(like.numel(), dtype=like.dtype).reshape(-1, *like.shape[1:])
    return function(basis).flatten(1).T


def before(layer: Callable[[Tensor], Tensor], a: Tensor, relevance: Tensor, rule: Rule) -> Tensor:
    """Take relevance through an affine layer."""
    bias = layer(torch.zeros_like(a))
    weights = matrix(lambda basis: layer(basis) - bias, a)
    return rule(a.flatten(), weights, bias.flatten(), relevance.flatten()).reshape(a.shape)


def relevance(model, x, target, convolution: Rule, dense: Rule, first: Rule | None = None, epsilon: float = 0.0):
    """Relevance of ``tests.attribution.networks.Rectified`` on one image, step by step backwards."""
    model.eval()
    rest = epsilon_rule(epsilon)

    def stem(value):
        return model.norm(model.stem(value))

    def spread(value):
        return model.lone(value).mean((2, 3))

    with torch.no_grad():
        a = torch.relu(stem(x))
        pooled, winners = F.max_pool2d(a, 2, return_indices=True)
        b = torch.relu(model.down(pooled))
        c = torch.relu(model.again(b))
        again = model.again(c)
        d = torch.relu(again + b)
        both = torch.cat([b, d], 1)
        e = spread(both)
        f = torch.relu(model.head(e))
        scores = model.scores(f)

        r = torch.zeros_like(scores)
        r[0, target] = scores[0, target]
        r = before(model.scores, f, r, dense)
        r = before(model.head, e, r, dense)
        normed = model.lone(both)
        r = before(lambda value: value.mean((2, 3)), normed, r, rest)
        r = before(model.lone, both, r, rest)
        r_b, r_d = r[:, :6], r[:, 6:]
        r_b = r_b + b * quotient(r_d, again + b, epsilon)
        r_c = before(model.again, c, again * quotient(r_d, again + b, epsilon), convolution)
        r_b = r_b + before(model.again, b, r_c, convolution)
        r = before(model.down, pooled, r_b, convolution)
        r = torch.zeros_like(a).flatten(2).scatter_add(2, winners.flatten(2), r.flatten(2)).reshape(a.shape)
        return before(stem, x, r, first or convolution)
