"""Recorded truth: cases run on the real Keras of four generations, and the table that shows kcompat's distance from them.

`python -m parity` replays, `python -m parity.environments` (or `make record`) records again. Only `record.py`, `draw.py`,
`bodies.py` and `cases/` run beside real Keras (Python 3.7 and up): they import nothing of kcompat.
"""
