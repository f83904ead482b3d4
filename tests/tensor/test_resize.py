"""Resizing: TensorFlow 2.21's numbers (`tf.image.resize`), and laws written out here."""

from __future__ import annotations

import pytest
import torch

from kcompat.tensor import resize as module
from kcompat.tensor.resize import METHODS, aspect_padding, aspect_window, enlarge, resize, rounded, weights

LINE = torch.tensor([0.0, 1, 2, 8, 3, -4])
#: method, antialias, new length -> tf.image.resize of LINE
TENSORFLOW = {
    ("area", False, 4): [0.333333, 1.66667, 6.33333, -1.66667],
    ("area", True, 9): [0.0, 0.5, 1.0, 2.0, 5.0, 8.0, 3.0, -0.500002, -4.0],
    ("bilinear", False, 4): [0.25, 1.75, 6.75, -2.25],
    ("bilinear", False, 9): [0.0, 0.5, 1.16667, 1.83333, 5.0, 7.16667, 3.83333, -0.5, -4.0],
    ("bilinear", True, 4): [0.375, 2.33333, 5.66667, -1.375],
    ("bicubic", False, 4): [0.167883, 1.39844, 7.57031, -2.78102],
    ("bicubic", False, 9): [-0.0658888, 0.411765, 1.10892, 1.54332, 5.375, 7.82559, 4.0786, -1.0, -4.46122],
    ("bicubic", True, 4): [0.247572, 2.18683, 6.36447, -1.78155],
    ("gaussian", False, 4): [0.268941, 1.95122, 6.4918, -2.11741],
    ("gaussian", True, 4): [0.456049, 2.40594, 5.15271, -0.88889],
    ("lanczos3", False, 9): [-0.0635947, 0.481663, 0.981222, 1.30921, 5.47283, 8.12821, 4.65226, -1.48411, -4.50218],
    ("lanczos3", True, 4): [0.0913642, 2.21446, 6.64996, -2.00475],
    ("lanczos5", False, 4): [0.351362, 1.16361, 8.55289, -3.12492],
    ("lanczos5", True, 4): [0.112082, 2.14477, 6.75446, -2.06856],
    ("mitchellcubic", False, 9): [-0.00772543, 0.449665, 1.12937, 1.80118, 5.20833, 7.25231, 3.92824, -0.785234, -4.05408],
    ("mitchellcubic", True, 4): [0.339955, 2.32793, 5.74168, -1.33655],
}  # fmt: skip


def _line(values, new, method, **more):
    return resize(torch.as_tensor(values).reshape(1, -1, 1, 1), (new, 1), method, **more).ravel()


@pytest.mark.parametrize("case", TENSORFLOW, ids=lambda c: "-".join(map(str, c)))
def test_tensorflow_numbers(case):
    method, antialias, new = case
    expected = torch.tensor(TENSORFLOW[case])
    torch.testing.assert_close(_line(LINE, new, method, antialias=antialias), expected, rtol=1e-5, atol=1e-5)


def test_documented_numbers():
    doubled = _line([0.0, 1.0, 4.0], 6, "bicubic")
    torch.testing.assert_close(doubled, torch.tensor([-0.088235, 0.124088, 0.572519, 1.732824, 3.452555, 4.264706]), rtol=0, atol=1e-6)
    assert _line([0.0, 4.0], 4, "bilinear").tolist() == [0, 1, 3, 4]
    assert _line([0.0, 1, 2, 8], 2, "bilinear").tolist() == [0.5, 5]
    assert _line([0, 1, 2, 8], 2, "nearest").tolist() == [1, 8]
    assert _line([0, 1, 2], 5, "nearest").tolist() == [0, 0, 1, 2, 2]


def test_tensorflow_1_has_no_half_pixels():
    assert _line([0.0, 1.0], 4, "bilinear", half_pixels=False).tolist() == [0, 0.5, 1, 1]
    assert _line([0, 1, 2], 5, "nearest", half_pixels=False).tolist() == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("method", [m for m in METHODS if m != "nearest"])
@pytest.mark.parametrize("antialias", [False, True])
def test_a_flat_image_stays_flat(method, antialias):
    for new in (1, 3, 7, 20):
        assert weights(7, new, method, antialias).sum(1) == pytest.approx([1.0] * new)


@pytest.mark.parametrize("method", METHODS)
def test_formats_ranks_and_axes_agree(method):
    x = torch.rand(2, 5, 6, 3, generator=torch.Generator().manual_seed(0))
    y = resize(x, (7, 4), method)
    first = resize(x.permute(0, 3, 1, 2), (7, 4), method, data_format="channels_first")
    torch.testing.assert_close(first.permute(0, 2, 3, 1), y)
    torch.testing.assert_close(resize(x[0], (7, 4), method), y[0])
    if method != "nearest":
        rows, columns = weights(5, 7, method).float(), weights(6, 4, method).float()
        torch.testing.assert_close(torch.einsum("ab,nbcd,ec->naed", rows, x, columns), y)


@pytest.mark.parametrize("method", METHODS)
def test_dtypes(method):
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        assert resize(torch.ones(1, 4, 4, 1, dtype=dtype), (3, 3), method).dtype is dtype
    kept = resize(torch.ones(1, 4, 4, 1, dtype=torch.uint8), (3, 3), method).dtype
    assert kept is (torch.uint8 if method == "nearest" else torch.float32)


def test_matrices_are_made_once_and_never_poisoned():
    module._kept.clear()
    x = torch.rand(2, 5, 6, 3, requires_grad=True)
    with torch.inference_mode():
        resize(x.detach(), (7, 6), "bicubic")
    torch.func.vmap(torch.func.grad(lambda image: resize(image, (7, 4), "bicubic").sum()))(x.detach())
    torch.compile(lambda x: resize(x, (8, 6), "bicubic"), fullgraph=True, backend="aot_eager")(x)
    before = len(module._kept)
    resize(x, (7, 6), "bicubic").sum().backward()
    assert len(module._kept) == before >= 2
    assert all(type(matrix) is torch.Tensor and not matrix.is_inference() for matrix in module._kept.values())


def test_dynamic_sizes_compile():
    compiled = torch.compile(lambda x: resize(x, (4, 4), "lanczos3"), fullgraph=True, backend="aot_eager", dynamic=True)
    for rows in (5, 6, 7):
        x = torch.rand(1, rows, rows + 1, 2)
        torch.testing.assert_close(compiled(x), resize(x, (4, 4), "lanczos3"))


@pytest.mark.parametrize("times", [2, 3, 5, 49, 98, 103])
def test_enlarging_repeats_exactly(times):
    x = torch.arange(200.0).reshape(1, 200, 1, 1)
    assert torch.equal(enlarge(x, (times, 1), "nearest").ravel(), x.ravel().repeat_interleave(times))


def test_aspects():
    # 6 x 5 to 3 x 3: five rows from the middle; to 4 x 9: 5 * 4 // 9 = 2 rows; to 9 x 2: 6 * 2 // 9 = 1 column
    assert aspect_window((6, 5), (3, 3)) == ((0, 5), (0, 5))
    assert aspect_window((6, 5), (4, 9)) == ((2, 2), (0, 5))
    assert aspect_window((6, 5), (9, 2)) == ((0, 6), (2, 1))
    # to 4 x 9 the image should have 6 * 9 // 4 = 13 columns: 4 on each side
    assert aspect_padding((6, 5), (4, 9)) == (0, 4)
    assert aspect_padding((6, 5), (3, 3)) == (0, 0)


def test_rounding_to_integers():
    assert rounded(torch.tensor([0.5, 1.5, 2.4, -3.0, 300.0]), torch.uint8).tolist() == [0, 2, 2, 0, 255]
    assert rounded(torch.tensor([0.5]), torch.float16).dtype is torch.float16
