"""Atomic writing, as the writers of this room use it."""

from kcompat.atomic import disk_errors, may_write, replacing

__all__ = ["disk_errors", "may_write", "replacing"]
