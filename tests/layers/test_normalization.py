import pytest
from recorded import cases, name, replay

NORMALIZATIONS = cases("Normalization")


@pytest.mark.parametrize("pair", NORMALIZATIONS, ids=map(name, NORMALIZATIONS))
def test_as_recorded(pair):
    replay(*pair)
