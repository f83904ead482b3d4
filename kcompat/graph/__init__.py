"""The symbolic graph: tensors without values, the calls that connect them, and the flat plan that runs them.

Nothing here knows what a Keras layer is. An operation is anything callable: a `torch.nn.Module` (which the plan looks up
by name when it runs, so that a replaced module is used) or a plain function on tensors. Shapes are found by running
the function on `meta` tensors. Models, masks, weights and configs live in rooms further up.
"""

from kcompat.graph.network import Network
from kcompat.graph.plan import Plan
from kcompat.graph.state import freeze, thaw
from kcompat.graph.symbol import KerasTensor, Node, contains_symbol, record, trace

__all__ = ["KerasTensor", "Network", "Node", "Plan", "contains_symbol", "freeze", "record", "thaw", "trace"]
