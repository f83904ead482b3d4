"""TensorFlow's files, read with neither TensorFlow nor protobuf: SavedModel folders of tf.keras, and checkpoints of weights.

`wire` takes protocol buffers apart, `table` the sorted index of a checkpoint (`snappy`, `checksum`), `bundle` its tensors, `objects`
the graph of objects that names them, `metadata` Keras' description of a model; `match` finds the variable of each weight, `load` puts
all together.
Every size in a file is compared with the file before it is believed, and every checksum is compared; what does not fit is a `FileError`.
"""

from kcompat.files.savedmodel.load import checkpoint_prefix, is_saved_model, load_model, load_weights

__all__ = ["checkpoint_prefix", "is_saved_model", "load_model", "load_weights"]
