"""Write the arguments of every layer of the Keras that runs this into data/signatures.json: python record_signatures.py 2.2|2.15|3."""

import inspect
import json
import os
import sys

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "signatures.json")


def arguments(cls):
    """[name, default] of each argument that has one, [name] of the others; those behind `*` and `**` left out."""
    init = cls.__init__
    init = getattr(init, "_original_function", init)  # Keras 2.2 wraps it for arguments of Keras 1
    found = []
    for name, parameter in inspect.signature(init).parameters.items():
        if name != "self" and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            plain = isinstance(parameter.default, (type(None), bool, int, float, str, tuple))
            found.append([name] if parameter.default is parameter.empty else [name, parameter.default if plain else str(parameter.default)])
    return found


def main(generation):
    """Add one generation to the file."""
    if generation == "2.15":
        import tf_keras as keras
    else:
        import keras
    told = {}
    for name in sorted(dir(keras.layers)):
        cls = getattr(keras.layers, name)
        if inspect.isclass(cls) and issubclass(cls, keras.layers.Layer):
            told[name] = arguments(cls)
    held = {}
    if os.path.exists(PATH):
        with open(PATH) as file:
            held = json.load(file)
    held[generation] = told
    with open(PATH, "w") as file:
        json.dump(held, file, sort_keys=True, separators=(",", ":"))


if __name__ == "__main__":
    main(sys.argv[1])
