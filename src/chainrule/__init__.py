"""chainrule: neural networks that people can see through.

A computation is recorded once as a graph, and everything is a reading of that graph: run it,
differentiate it, compile it, check it, print it, draw it. To see how, read ``graph/op.py`` (what an
operation is), then ``graph/tensor.py`` (how it is recorded) and ``graph/differentiate.py`` (the
chain rule).

The names stand in ``api.py`` and are loaded when the first is used, so that the command answers
``--help`` at once. They need NumPy and nothing heavier.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from chainrule.api import *  # noqa: F403
else:

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        api = import_module("chainrule.api")
        if name == "__all__":
            return api.__all__
        if name not in api.__all__:
            from chainrule.errors import near

            raise AttributeError(
                f"module 'chainrule' has no attribute {name!r}.{near(name, api.__all__)}"
            )
        globals()[name] = value = getattr(api, name)  # from now on it is found without asking
        return value

    def __dir__() -> list[str]:
        return sorted([*__getattr__("__all__"), "__version__"])
