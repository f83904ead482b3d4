"""`CallbackList`: several callbacks as one; hooks that nobody overrides are not called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kcompat.callbacks.base import HOOKS, Callback
from kcompat.callbacks.history import History
from kcompat.callbacks.progress import ProgbarLogger
from kcompat.errors import ArgumentTypeError


def _overridden(callback: Any, hook: str) -> Callable[..., Any] | None:
    """The bound hook if the callback has one that does something."""
    for name in (hook, HOOKS[hook]):
        if name is None:
            continue
        own = getattr(callback, name, None)
        if own is not None and getattr(own, "__func__", own) is not getattr(Callback, name):
            return own
    return None


def _is_ours(hook: Callable[..., Any]) -> bool:
    """Whether a hook is written in this room; one of a subclass of a user takes the logs themselves."""
    return getattr(hook, "__module__", "").startswith(__name__.rpartition(".")[0])


class CallbackList:
    """Several callbacks as one. Hooks that nobody overrides cost nothing; `wants(hook)` says whether anyone does."""

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ):
        given = list(callbacks) if isinstance(callbacks, Iterable) else [] if callbacks is None else [callbacks]
        for callback in given:
            if isinstance(callback, type) or not hasattr(callback, "set_model"):
                raise ArgumentTypeError(f"`callbacks` must hold `Callback` objects, received {callback!r}.")
        self.callbacks: list[Any] = given
        self.params = params
        self._calls: dict[str, list[tuple[Callable[..., Any], bool]]] = {}
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in given):
            self.callbacks.append(ProgbarLogger())
        if add_history and not any(isinstance(c, History) for c in given):
            self.callbacks.append(History())
        self.history = next((c for c in self.callbacks if isinstance(c, History)), None)
        self._bind()
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def _bind(self) -> None:
        for hook in HOOKS:
            bound = ((_overridden(c, hook), getattr(c, "lazy_logs", False)) for c in self.callbacks)
            self._calls[hook] = [(call, lazy and _is_ours(call)) for call, lazy in bound if call is not None]

    def append(self, callback: Any) -> None:
        """Add a callback."""
        self.callbacks.append(callback)
        self._bind()

    def set_params(self, params: dict[str, Any]) -> None:
        """Give the facts of the run to all."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Give the model to all; it learns of its history."""
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)
            if hasattr(callback, "take_beside"):
                callback.take_beside(self.callbacks)

    def wants(self, hook: str) -> bool:
        """Whether any callback overrides the hook."""
        return bool(self._calls[hook])

    def call(self, hook: str, *args: Any, logs: Any = None) -> None:
        """Call a hook. `logs` may be a function that gives them: it is called once, where a callback looks at them."""
        made: Any = None
        for call, lazy in self._calls[hook]:
            if lazy and callable(logs):
                call(*args, logs)
                continue
            if callable(logs):
                made = logs() if made is None else made
                call(*args, made)
            else:
                call(*args, {} if logs is None else logs)

    def __iter__(self) -> Any:
        return iter(self.callbacks)


def _forward(hook: str, indexed: bool) -> Callable[..., None]:
    def forward(self: CallbackList, *args: Any, logs: Mapping[str, Any] | None = None) -> None:
        count = 1 if indexed else 0
        self.call(hook, *args[:count], logs=args[count] if len(args) > count else logs)

    forward.__name__ = hook
    forward.__doc__ = f"Call `{hook}` of every callback that overrides it."
    return forward


for _hook in HOOKS:
    setattr(CallbackList, _hook, _forward(_hook, indexed="batch" in _hook or "epoch" in _hook))
for _hook, _new in (("on_batch_begin", "on_train_batch_begin"), ("on_batch_end", "on_train_batch_end")):
    setattr(CallbackList, _hook, _forward(_new, indexed=True))
