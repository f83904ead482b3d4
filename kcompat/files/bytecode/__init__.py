"""Functions that Keras stored as Python bytecode, of any Python, without running bytecode.

`marshalled` reads the bytes, `opcodes` has the instruction numbers of each Python, `decode` turns them into one neutral list of
instructions, `machine` interprets that list step by step, `reach` says what such code may touch: numbers, containers, tensors and
the functions of `modules`, nothing else. Steps, depth and sizes are bounded. Nothing here is called before the gate in `lambdas`.
"""
