"""What the zoo measures of one model: export, reconstruction, adjoint, linearity, sum of contributions, windows."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor, nn

from linearscope.interpreter import LinearInterpreter, Visit, interpret
from linearscope.program import Program, capture

__all__ = ["contribution_error", "errors", "linearity_error", "randomise", "survey", "window_error"]


@torch.no_grad()
def randomise(model: nn.Module, image: Tensor, seed: int = 0) -> nn.Module:
    """Take every parameter away from the constant it was initialised to, and every batch norm to statistics of its own.

    Zeros become small numbers, ones numbers around one, and the tiny factors of a layer scale become large enough to
    count. Batch norms take the statistics of noise images, which are then perturbed, so that signals neither die nor
    explode in a deep network.
    """
    generator = torch.Generator().manual_seed(seed)

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like)

    for tensor in model.parameters():
        first = tensor.flatten()[0]
        if not tensor.is_floating_point() or not bool((tensor == first).all()):
            continue
        if first == 0:
            fan = max(tensor[0].numel(), 1) if tensor.dim() > 1 and tensor.shape[0] > 1 else 1
            tensor.copy_(noise(tensor) * (0.1 if tensor.dim() < 2 else fan**-0.5))
        else:
            tensor.copy_((1.0 if first == 1 else 0.3) + 0.1 * noise(tensor))
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.track_running_stats]
    hooks = []
    for norm in norms:

        def adapt(module: Any, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0]
            axes = [0, *range(2, x.dim())]
            several = x.numel() > x.shape[1]
            mean = x.mean(axes)
            variance = x.var(axes, correction=0) if several else torch.ones_like(mean)
            module.running_mean.copy_(mean + 0.1 * variance.sqrt() * noise(mean))
            module.running_var.copy_((variance + 0.01) * (1 + 0.1 * noise(mean)).abs())

        hooks.append(norm.register_forward_pre_hook(adapt))
    model.eval()
    if norms:
        batch = torch.rand(2, *image.shape[1:], generator=generator, dtype=torch.float64).to(image)
        model(torch.cat([image, batch]))
    for hook in hooks:
        hook.remove()
    return model


def _relative(error: Tensor, *terms: Tensor) -> float:
    largest = max(float(term.abs().max()) for term in terms)
    return float(error.abs().max()) / (largest or 1.0)


def linearity_error(it: LinearInterpreter, seed: int = 1) -> float:
    """Error of F (a v + b w) against a F v + b F w, relative to the larger of the two terms."""
    generator = torch.Generator().manual_seed(seed)
    v, w = (torch.randn(it.input_shape, generator=generator, dtype=torch.float64).to(it.point) for _ in range(2))
    a, b = 1.7, -0.6
    both, fv, fw = it.matvec(torch.stack([a * v + b * w, v, w]))
    return _relative(both - a * fv - b * fw, a * fv, b * fw)


def contribution_error(it: LinearInterpreter, target: int | None = None) -> float:
    """Error of (input share + the share of every constant) against the score, relative to the largest share."""
    target = int(it.output.argmax()) if target is None else target
    shares: list[float] = []

    def visit(at: Visit) -> None:
        if at.map is not None:
            constants = at.map.constant
            us = at.u if isinstance(constants, tuple) else (at.u,)
            for constant, u in zip(constants if isinstance(constants, tuple) else (constants,), us, strict=False):
                if constant is not None and u is not None:
                    shares.append(float((u[0] * constant).sum()))
        elif at.step.bypass:
            shares.append(float((at.u[0] * at.value).sum()))

    back = it.walk(it.impulses(target), visit)
    shares.append(float((back[0] * it.point).sum()))
    score = float(it.output.flatten()[target])
    return abs(sum(shares) - score) / max([abs(score), *map(abs, shares)])


def window_error(it: LinearInterpreter) -> float:
    """Error of one row and one column by windows against whole products, relative to the largest entry."""
    row, column = ([size // 2 for size in shape] for shape in (it.output_shape, it.input_shape))
    at_row, at_column = it.output.new_zeros(1, *it.output_shape), it.point.new_zeros(1, *it.input_shape)
    at_row[(0, *row)] = at_column[(0, *column)] = 1
    wholes = it.rmatvec(at_row)[0], it.matvec(at_column)[0]
    parts = it.row_window(row).whole(), it.column_window(column).whole()
    return max(_relative(part - whole, whole) for part, whole in zip(parts, wholes, strict=True))


def errors(it: LinearInterpreter) -> dict[str, float]:
    """All identities."""
    return {
        "reconstruction": it.certificate.reconstruction,
        "adjoint": it.certificate.adjoint,
        "linearity": linearity_error(it),
        "contributions": contribution_error(it),
        "windows": window_error(it),
    }


def survey(model: nn.Module, image: Tensor, output: str | None = None) -> dict[str, Any]:
    """Capture ``model`` and measure both interpretations."""
    begin = time.perf_counter()
    program: Program = capture(model, image, output=output)
    entry: dict[str, Any] = {
        "seconds": round(time.perf_counter() - begin, 1),
        "input": list(image.shape),
        "dtype": str(image.dtype).removeprefix("torch."),
        "operations": sum(1 for node in program.nodes if node.live and node.kind == "call"),
        "notes": list(program.notes),
    }
    for interpretation in ("freeze", "taylor"):
        it = interpret(program, image, interpretation=interpretation)
        entry[interpretation] = errors(it)
        entry.setdefault("frozen", dict(it.certificate.frozen))
    return entry
