"""Which names are public."""

import importlib
import inspect

import fastgrok

#: Modules whose public names are listed under this path.
MODULES = (
    "nn",
    "nn.functional",
    "nn.init",
    "nn.utils",
    "optim",
    "nn.utils.rnn",
    "optim.lr_scheduler",
    "optim.swa_utils",
    "utils.data",
    "autograd",
)


def names() -> set[str]:
    """Return the full names of all functions, methods of tensors, layers, losses, optimizers and schedulers."""
    found = {f"fastgrok.{name}" for name in (*fastgrok._HOME, *fastgrok._ALIASES, *fastgrok._THREADS, "tensor")}
    found |= {f"Tensor.{name}" for name in dir(fastgrok.Tensor) if not name.startswith("_")}
    for path in MODULES:
        module = importlib.import_module(f"fastgrok.{path}")
        for name in getattr(module, "__all__", None) or vars(module):
            if not (name.startswith("_") or inspect.ismodule(getattr(module, name))):
                found.add(f"{path}.{name}")
    return found
