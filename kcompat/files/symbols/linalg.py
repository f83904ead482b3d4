"""TensorFlow's linear algebra, spectra and products, by the names after `tf.`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from kcompat.errors import ArgumentError
from kcompat.files.symbols.common import Function, as_dtype, axes, both, integers, size, tensor, unsupported


def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False, adjoint_b: bool = False,
    a_is_sparse: bool = False, b_is_sparse: bool = False, output_type: Any = None, name: str | None = None,
    grad_a: bool = False, grad_b: bool = False,
) -> Any:  # fmt: skip
    """The product of matrices, batch axes broadcast."""
    unsupported(grad_a=grad_a, grad_b=grad_b)
    a, b = both(a, b)
    a = a.transpose(-1, -2) if transpose_a else a.mH if adjoint_a else a
    b = b.transpose(-1, -2) if transpose_b else b.mH if adjoint_b else b
    return torch.matmul(a, b) if output_type is None else torch.matmul(a.to(as_dtype(output_type)), b.to(as_dtype(output_type)))


def matvec(a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, name: str | None = None, **sparse: Any) -> Any:
    """A matrix times a vector."""
    return matmul(a, tensor(b, a).unsqueeze(-1), transpose_a=transpose_a, adjoint_a=adjoint_a).squeeze(-1)


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Any:
    """Products summed over pairs of axes."""
    a, b = both(a, b)
    if isinstance(axes, Tensor):
        axes = axes.tolist()
    if isinstance(axes, int):
        return torch.tensordot(a, b, axes)
    first, second = ([v] if isinstance(v, int) else integers(v) for v in axes)
    return torch.tensordot(a, b, (first, second))


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Any:
    """Einstein's sum."""
    first = next((v for v in inputs if isinstance(v, Tensor)), None)
    if first is None:
        raise ArgumentError(
            f"`tf.einsum('{equation}', ...)`: tf.keras does not write the operands of functions with `*inputs` into files: they are lost."
        )
    return torch.einsum(equation.replace(" ", ""), *[tensor(v, first) for v in inputs])


def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = None, name: str | None = None, keep_dims: Any = None
) -> Any:
    """The norm of vectors (one axis, or all elements) or of matrices (two axes)."""
    x, keep = _tensor(tensor), bool(keepdims or keep_dims)
    if isinstance(axis, (list, tuple)) and len(axis) == 2:
        kind = "fro" if ord in ("euclidean", "fro") else float(ord)
        return torch.linalg.matrix_norm(x, kind, tuple(integers(axis)), keep)
    along = None if axis is None else axes(axis, x.ndim)
    power = 2 if ord in ("euclidean", "fro") else float(ord)
    return torch.linalg.vector_norm(x, power, along, keep)


_tensor = tensor


def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Any:
    """The elements on the diagonals near the main one; -1 keeps a whole side."""
    x, low, high = tensor(input), size(num_lower), size(num_upper)
    rows = torch.arange(x.shape[-2], device=x.device)[:, None]
    columns = torch.arange(x.shape[-1], device=x.device)
    inside = ((rows - columns <= low) | (low < 0)) & ((columns - rows <= high) | (high < 0))
    return torch.where(inside, x, torch.zeros_like(x))


def diag(
    diagonal: Any, name: str = "diag", k: Any = 0, num_rows: int = -1, num_cols: int = -1, padding_value: Any = 0, align: Any = None
) -> Any:
    """Matrices with this diagonal."""
    if (num_rows, num_cols, padding_value) != (-1, -1, 0):
        raise ArgumentError("`num_rows`, `num_cols` and `padding_value` of `tf.linalg.diag` are not supported.")
    return torch.diag_embed(tensor(diagonal), size(k))


def diag_part(input: Any, name: str = "diag_part", k: Any = 0, padding_value: Any = 0, align: Any = None) -> Any:
    """The diagonal of matrices."""
    return torch.diagonal(tensor(input), size(k), -2, -1)


def set_diag(input: Any, diagonal: Any, name: str = "set_diag", k: Any = 0, align: Any = None) -> Any:
    """Matrices with another main diagonal."""
    x, offset = tensor(input), size(k)
    if offset != 0:
        raise ArgumentError(f"`k` of `tf.linalg.set_diag` must be 0, received {k!r}.")
    return torch.diagonal_scatter(x, tensor(diagonal, x), 0, -2, -1)


def tensor_diag(diagonal: Any, name: str | None = None) -> Any:
    """A tensor of twice the rank with this diagonal."""
    x = tensor(diagonal)
    return torch.diag(x.reshape(-1)).reshape(*x.shape, *x.shape)


def tensor_diag_part(input: Any, name: str | None = None) -> Any:
    """The diagonal of a tensor whose first half of axes has the sizes of the second."""
    x = tensor(input)
    half = x.shape[: x.ndim // 2]
    count = 1
    for n in half:
        count *= n
    return torch.diagonal(x.reshape(count, count)).reshape(half)


def cross(a: Any, b: Any, name: str | None = None) -> Any:
    """The product of vectors of three numbers."""
    return torch.linalg.cross(*both(a, b), dim=-1)


def trace(x: Any, name: str | None = None) -> Any:
    """The sum of the diagonal."""
    return torch.diagonal(tensor(x), 0, -2, -1).sum(-1)


def _adjoint(matrix: Any, name: str | None = None) -> Any:
    return tensor(matrix).mH


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """The solution of linear equations."""
    a, b = both(matrix, rhs)
    return torch.linalg.solve(a.mH if adjoint else a, b)


def triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None) -> Any:
    """The solution for a triangular matrix."""
    a, b = both(matrix, rhs)
    return torch.linalg.solve_triangular(a.mH if adjoint else a, b, upper=lower is adjoint)


def cholesky(input: Any, name: str | None = None) -> Any:
    """The lower triangle whose square a positive matrix is."""
    return torch.linalg.cholesky(tensor(input))


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """The inverse."""
    x = torch.linalg.inv(tensor(input))
    return x.mH if adjoint else x


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """Singular values, and left and right vectors as columns."""
    if not compute_uv:
        return torch.linalg.svdvals(_tensor(tensor))
    u, s, v = torch.linalg.svd(_tensor(tensor), full_matrices)
    return [s, u, v.mH]


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:
    """An orthogonal and a triangular factor."""
    return list(torch.linalg.qr(tensor(input), "complete" if full_matrices else "reduced"))


def eigh(tensor: Any, name: str | None = None) -> Any:
    """Eigenvalues and vectors of symmetric matrices."""
    return list(torch.linalg.eigh(_tensor(tensor)))


def _plain(function: Callable[[Tensor], Any]) -> Function:
    def call(input: Any, name: str | None = None) -> Any:
        return function(tensor(input))

    return call


def global_norm(t_list: Any, name: str | None = None) -> Any:
    """The length of all tensors together."""
    return torch.sqrt(torch.stack([(tensor(t) ** 2).sum() for t in t_list if t is not None]).sum())


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """`t` shortened to a length along axes."""
    x = tensor(t)
    chosen = _axes(axes, x.ndim)
    squared = (x * x).sum(chosen, keepdim=True)
    safe = torch.where(squared > 0, squared, torch.ones_like(squared))
    length = torch.where(squared > 0, torch.sqrt(safe), squared)
    limit = tensor(clip_norm, x)
    return x * limit / torch.maximum(length, limit)


_axes = axes


def clip_by_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None) -> Any:
    """Tensors shortened together; their length beside them."""
    length = global_norm(t_list) if use_norm is None else tensor(use_norm)
    scale = clip_norm / torch.maximum(length, tensor(clip_norm, length))
    return [[None if t is None else tensor(t) * scale for t in t_list], length]


def _real_fft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    return torch.fft.rfft(tensor(input_tensor), None if fft_length is None else size(fft_length))


def _inverse_real_fft(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
    return torch.fft.irfft(tensor(input_tensor), None if fft_length is None else size(fft_length))


def logdet(matrix: Any, name: str | None = None) -> Any:
    """The logarithm of the determinant of positive matrices."""
    return 2 * torch.log(torch.diagonal(torch.linalg.cholesky(tensor(matrix)), 0, -2, -1)).sum(-1)


TABLE: dict[str, Function] = {
    "linalg.matmul": matmul, "matmul": matmul, "linalg.matvec": matvec, "tensordot": tensordot, "linalg.tensordot": tensordot,
    "einsum": einsum, "linalg.einsum": einsum, "norm": norm, "linalg.norm": norm, "compat.v1.norm": norm, "compat.v1.linalg.norm": norm,
    "linalg.band_part": band_part, "linalg.diag": diag, "linalg.diag_part": diag_part, "linalg.set_diag": set_diag,
    "linalg.tensor_diag": tensor_diag, "linalg.tensor_diag_part": tensor_diag_part, "linalg.cross": cross, "linalg.trace": trace,
    "linalg.adjoint": _adjoint, "linalg.solve": solve, "linalg.triangular_solve": triangular_solve, "linalg.cholesky": cholesky,
    "linalg.inv": inv, "linalg.svd": svd, "linalg.qr": qr, "linalg.eigh": eigh, "linalg.eigvalsh": _plain(torch.linalg.eigvalsh),
    "linalg.det": _plain(torch.linalg.det), "linalg.slogdet": _plain(lambda x: list(torch.linalg.slogdet(x))), "linalg.logdet": logdet,
    "linalg.expm": _plain(torch.linalg.matrix_exp), "linalg.pinv": lambda a, rcond=None, validate_args=False, name=None: torch.linalg.pinv(
        tensor(a), rtol=rcond),
    "linalg.global_norm": global_norm, "clip_by_norm": clip_by_norm, "clip_by_global_norm": clip_by_global_norm,
    "signal.fft": _plain(torch.fft.fft), "signal.ifft": _plain(torch.fft.ifft), "signal.fft2d": _plain(torch.fft.fft2),
    "signal.ifft2d": _plain(torch.fft.ifft2), "signal.rfft": _real_fft, "signal.irfft": _inverse_real_fft,
}  # fmt: skip
