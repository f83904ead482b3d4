import pytest
import torch
from recorded import cases, name, replay

CONVOLUTIONS = cases("Conv")


@pytest.mark.parametrize("pair", CONVOLUTIONS, ids=map(name, CONVOLUTIONS))
def test_as_recorded(pair):
    replay(*pair)
