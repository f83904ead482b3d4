"""Keras' tensor semantics as plain functions: torch in, torch out; no Keras object, no version, no global setting."""
