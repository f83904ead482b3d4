import sys
from pathlib import Path

import pytest

from kcompat import config
from kcompat.core.naming import reset_names

sys.path.insert(0, str(Path(__file__).parent / "layers"))


@pytest.fixture(autouse=True)
def _fresh_settings():
    """Every test starts with Keras' defaults, and names that count from the beginning."""
    reset_names()
    version, floatx, data_format = config.keras_version(), config.floatx(), config.image_data_format()
    yield
    config.set_keras_version(version)
    config.set_floatx(floatx)
    config.set_image_data_format(data_format)
