"""Take a model that Keras trained, and leave Keras and kcompat behind: a plain PyTorch module in one readable file.

python examples/leave_keras.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from kcompat.models import load_model

HERE = Path(__file__).parent


def main(folder: Path) -> float:
    """Export the digits CNN; the largest difference between the plain module and the predictions that real Keras made."""
    model = load_model(HERE / "data" / "digits_cnn.h5")
    target = folder / "digits_cnn.py"
    model.export(target, format="torch")  # compares outputs before it writes anything

    sys.path.insert(0, str(folder))
    import digits_cnn  # imports torch and safetensors only

    plain = digits_cnn.load()
    data = np.load(HERE / "data" / "digits.npz")
    import torch

    with torch.no_grad():
        found = plain(torch.from_numpy(data["test_images"][..., None] / np.float32(16))).numpy()
    difference = float(np.abs(found - data["keras_predictions"]).max())
    print(target.read_text())
    print(f"{target} and {target.with_suffix('.safetensors').name}: largest difference to Keras {difference:.1e}")
    return difference


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    sys.exit(main(where) > 1e-5)
