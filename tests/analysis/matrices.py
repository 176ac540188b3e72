"""Dense matrices with chosen singular values, in the form that svd asks of an operator."""

import torch

__all__ = ["Dense", "with_values"]


class Dense:
    """A matrix that is asked by products, and counts them."""

    def __init__(self, matrix, dtype=torch.float64):
        self.matrix, self.dtype, self.device, self.products = matrix.to(dtype), dtype, torch.device("cpu"), 0
        self.shape = tuple(matrix.shape)
        self.output_shape, self.input_shape = (self.shape[0],), (self.shape[1],)

    def matvec(self, v):
        self.products += len(v)
        return v @ self.matrix.T

    def rmatvec(self, u):
        self.products += len(u)
        return u @ self.matrix


def with_values(values, rows, columns, seed=0):
    """A matrix ``rows x columns`` with these singular values, and zeros after them."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.tensor(values, dtype=torch.float64)
    left, right = (
        torch.linalg.qr(torch.randn(size, len(values), generator=generator, dtype=torch.float64))[0]
        for size in (rows, columns)
    )
    return left * values @ right.T
