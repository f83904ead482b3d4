import pytest

from kcompat.tensor.shapes import output_length, padding_amounts, transposed_cut, transposed_length


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "padding", "dilation", "amounts", "result"),
    [
        (3, 2, 1, "same", 1, (0, 1), 3),
        (4, 3, 2, "same", 1, (0, 1), 2),
        (5, 3, 2, "same", 1, (1, 1), 3),
        (5, 3, 1, "same", 2, (2, 2), 5),
        (7, 1, 2, "same", 1, (0, 0), 4),
        (4, 2, 3, "same", 1, (0, 1), 2),
        (1, 3, 2, "same", 1, (1, 1), 1),
        (5, 3, 1, "causal", 2, (4, 0), 5),
        (5, 3, 2, "causal", 1, (2, 0), 3),
        (5, 3, 1, "valid", 1, (0, 0), 3),
        (5, 3, 2, "valid", 2, (0, 0), 1),
        (2, 3, 1, "valid", 1, (0, 0), 0),
        (5, 3, 1, "full", 1, (2, 2), 7),
    ],
)  # fmt: skip
def test_padding_and_length(length, kernel, stride, padding, dilation, amounts, result):
    assert padding_amounts(length, kernel, stride, padding, dilation) == amounts
    assert output_length(length, kernel, stride, padding, dilation) == result
    assert result == max((length + sum(amounts) - (kernel - 1) * dilation - 1) // stride + 1, 0)


def test_unknown_lengths_stay_unknown():
    assert output_length(None, 3, 2, "same") is None
    assert transposed_length(None, 3, 2, "same") is None


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "output_padding", "result", "cut"),
    [  # an input of 3 cells, lengths as printed by real Keras
        (3, 2, "valid", None, 7, (0, 0)),
        (3, 2, "same", None, 6, (0, 1)),
        (3, 2, "same", 0, 5, (1, 1)),
        (3, 2, "same", 1, 6, (0, 1)),
        (3, 2, "valid", 1, 8, (0, -1)),
        (2, 3, "valid", None, 9, (0, -1)),
        (2, 3, "same", None, 9, (0, -1)),
        (4, 2, "same", None, 6, (1, 1)),
        (4, 1, "same", None, 3, (1, 2)),
        (5, 3, "same", None, 9, (1, 1)),
    ],
)  # fmt: skip
def test_transposed(kernel, stride, padding, output_padding, result, cut):
    assert transposed_length(3, kernel, stride, padding, 1, output_padding) == result
    assert transposed_cut(3, kernel, stride, padding, 1, output_padding) == cut
