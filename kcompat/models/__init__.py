"""Models: where the rooms meet. A model is a layer that can be trained, saved and summarized.

`graph` runs a functional model's plan, `model` is the class, `sequential` the stack, `config` writes and reads
architectures, `clone` copies them, `summary` prints them. The work of training and of files is done in those rooms.
"""

from kcompat.models.clone import clone_model
from kcompat.models.config import model_from_config, model_from_json
from kcompat.models.model import Functional, Model
from kcompat.models.saving import load_model
from kcompat.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_config", "model_from_json"]
