"""TensorFlow's functions inside of models: files name them, ONE table says what each is on torch.

`table` has the public symbols (its parts by subject: `elementwise`, `arrays`, `reduce`, `linalg`, `nn`, `image`), `nodes` the operations
of TensorFlow's graphs, `keras3` those of `keras.ops`; `layers` are the layers that hold one of them in a functional model, `spec` finds the
shapes of what they give, `inverse` says which symbol a torch function is, so that a model made with torch functions can be written.
Numbers, dtypes and layouts are TensorFlow's.
"""
