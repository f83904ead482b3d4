import pytest
from recorded import cases, name, replay

POOLINGS = cases("Pooling", "Padding", "Cropping", "UpSampling")


@pytest.mark.parametrize("pair", POOLINGS, ids=map(name, POOLINGS))
def test_as_recorded(pair):
    replay(*pair)
