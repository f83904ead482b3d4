"""`callbacks.experimental`: where tf.keras 2.5 to 2.15 has `BackupAndRestore` too."""

from kcompat.callbacks.backup import BackupAndRestore

__all__ = ["BackupAndRestore"]
