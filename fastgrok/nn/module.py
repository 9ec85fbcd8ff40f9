"""`Module`: parameters, buffers and children under names; what every layer and every model is built from."""

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from ..autograd import no_grad
from ..errors import DtypeError
from ..tensor import Tensor, dtypes
from .parameter import Parameter
from .state import State

__all__ = ["Module"]


_REGISTRIES = ("_parameters", "_buffers", "_modules")


class Module(State):
    """The base class of layers and models, with PyTorch's methods, names and text form.

    A subclass calls `super().__init__()`, assigns its parameters and its children to attributes, and defines
    `forward`. Assigning is all the registration there is: a `Parameter` is then found by `parameters()`, a `Module` by
    `children()`, and both by `state_dict()`.

    Attributes
    ----------
    training : bool
        True after construction and `train()`, False after `eval()`. Layers such as `Dropout` look at it.

    Examples
    --------
    >>> from fastgrok import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self, inner):
    ...         super().__init__()
    ...         self.inner = inner
    ...     def forward(self, x):
    ...         return 2 * self.inner(x)
    >>> model = Scale(nn.Linear(3, 1))
    >>> model
    Scale(
      (inner): Linear(in_features=3, out_features=1, bias=True)
    )
    >>> [name for name, p in model.named_parameters()]
    ['inner.weight', 'inner.bias']
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, "Module | None"]
    _non_persistent_buffers_set: set[str]

    def __init__(self) -> None:
        # Past our own __setattr__, which needs these to be there.
        object.__setattr__(self, "training", True)
        object.__setattr__(self, "_parameters", {})
        object.__setattr__(self, "_buffers", {})
        object.__setattr__(self, "_modules", {})
        object.__setattr__(self, "_non_persistent_buffers_set", set())
        object.__setattr__(self, "_hooks", [])

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output from the inputs. Every subclass defines this.

        Raises
        ------
        NotImplementedError
            When the subclass does not.
        """
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # ------------------------------------------------------------------------------------------- registering by name

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under `name`. None reserves the name for one that is not there, such as a bias left out.

        Raises
        ------
        KeyError
            When `name` is empty, has a dot, or is already an attribute of another kind.
        TypeError
            When `name` is not a string or `param` not a `Parameter`.
        ValueError
            When `param` was computed from other tensors.
        """
        self._check_name("parameter", name, "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{_type_name(param)}' object to parameter '{name}' (nn.Parameter or None required)"
            )
        if param is not None and not param.is_leaf:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. "
                f"To express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module's state but is not trained, such as a running mean.

        `persistent=False` keeps it out of `state_dict()`.

        Raises
        ------
        KeyError
            When `name` is empty, has a dot, or is already an attribute of another kind.
        TypeError
            When `name` is not a string or `tensor` not a `Tensor`.
        """
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{_type_name(tensor)}' object to buffer '{name}' (Tensor or None required)")
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_module(self, name: str, module: "Module | None") -> None:
        """Add a child under `name`; it can then be read as an attribute.

        Raises
        ------
        KeyError
            When `name` is empty, has a dot, or is already an attribute of another kind.
        TypeError
            When `name` is not a string or `module` not a `Module`.
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_type_name(module)} is not a Module subclass")
        self._check_name("module", name, "_modules")
        self._modules[name] = module

    add_module = register_module

    def _check_name(self, kind: str, name: object, registry: str) -> None:
        """Raise unless `name` may be registered in the dictionary called `registry`."""
        if registry not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {_type_name(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[registry]:
            raise KeyError(f"attribute '{name}' already exists")

    def __setattr__(self, name: str, value: Any) -> None:
        # The type of the value decides where it goes; a name that is registered keeps its kind until it is deleted.
        if isinstance(value, Parameter):
            self._take_name("parameters", name)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._take_name("module", name)
            self._modules[name] = value
        elif name in self.__dict__.get("_parameters", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as parameter '{name}' (nn.Parameter or None expected)"
                )
            self._parameters[name] = None
        elif name in self.__dict__.get("_modules", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as child module '{name}' (nn.Module or None expected)"
                )
            self._modules[name] = None
        elif name in self.__dict__.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"cannot assign '{_type_name(value)}' as buffer '{name}' (Tensor or None expected)")
            self._buffers[name] = value
        else:
            object.__setattr__(self, name, value)

    def _take_name(self, kind: str, name: str) -> None:
        """Forget whatever else was registered under `name`, so that a new value of `kind` may have it."""
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        self.__dict__.pop(name, None)
        self._buffers.pop(name, None)
        self._non_persistent_buffers_set.discard(name)
        # Replacing within a registry keeps its place in the order.
        (self._modules if kind == "parameters" else self._parameters).pop(name, None)

    def __getattr__(self, name: str) -> Any:
        # Reached only for what is not an ordinary attribute.
        own = self.__dict__
        for registry in _REGISTRIES:
            if registry in own and name in own[registry]:
                return own[registry][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for registry in (self._parameters, self._buffers, self._modules):
            if name in registry:
                del registry[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[0].isdigit())

    # ------------------------------------------------------------------------------------------- walking

    def named_modules(
        self, memo: set["Module"] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, "Module"]]:
        """Yield every module of the tree, this one first, with its dotted name; a shared one only once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(memo, _join(prefix, name), remove_duplicate)

    def modules(self, remove_duplicate: bool = True) -> Iterator["Module"]:
        """Yield every module of the tree, this one first; a shared one only once unless `remove_duplicate` is False."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """Yield the direct children with their names; a shared one only once."""
        seen = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator["Module"]:
        """Yield the direct children; a shared one only once."""
        for _, child in self.named_children():
            yield child

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters with their dotted names, of the whole tree or (`recurse=False`) of this module alone."""
        yield from self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, of the whole tree or (`recurse=False`) of this module alone; a shared one only once."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers with their dotted names, of the whole tree or (`recurse=False`) of this module alone."""
        yield from self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers, of the whole tree or (`recurse=False`) of this module alone; a shared one only once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def _named_members(self, registry: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator:
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        else:
            modules = iter([(prefix, self)])
        seen = set()
        for module_name, module in modules:
            for name, value in module.__dict__[registry].items():
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield _join(module_name, name), value

    def get_submodule(self, target: str) -> "Module":
        """Return the module with the dotted name `target`; an empty name is this module.

        Raises `AttributeError` when there is none.
        """
        module = self
        for name in target.split(".") if target else []:
            if name not in module._modules:
                raise AttributeError(f"{module._get_name()} has no attribute `{name}` that is an nn.Module")
            module = module._modules[name]  # type: ignore[assignment]
        return module

    def set_submodule(self, target: str, module: "Module", strict: bool = False) -> None:
        """Put `module` under the dotted name `target`, in place of what is there; `strict` needs something there.

        Raises `AttributeError` when there is no such name (`strict`) or it names something else than a module, and
        `ValueError` for an empty name or what is no module.
        """
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if not isinstance(getattr(parent, name, module), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter with the dotted name `target`. Raises `AttributeError` when there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module._parameters:
            raise AttributeError(f"{module._get_name()} has no attribute `{name}` that is an nn.Parameter")
        return module._parameters[name]  # type: ignore[return-value]

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer with the dotted name `target`. Raises `AttributeError` when there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if name not in module._buffers:
            raise AttributeError(f"{module._get_name()} has no attribute `{name}` that is a buffer")
        return module._buffers[name]  # type: ignore[return-value]

    # ------------------------------------------------------------------------------------------- changing all at once

    def train(self, mode: bool = True) -> Self:
        """Set training mode, here and in every child. Returns the module. Raises `ValueError` for a non-boolean."""
        if not isinstance(mode, bool):
            raise ValueError(f"training mode is expected to be boolean, got {mode!r}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode: `train(False)`. Returns the module."""
        return self.train(False)

    def apply(self, fn: Callable[["Module"], Any]) -> Self:
        """Call `fn` on every module of the tree, children before their parents. Returns the module."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze (False) or unfreeze (True) all parameters. Returns the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros when not `set_to_none`."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = parameter.grad.detach().zero_()

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> Self:
        """Replace the value and gradient of every parameter, and every buffer, by `fn` of it."""
        with no_grad():
            for module in self.modules():
                for parameter in module._parameters.values():
                    if parameter is not None:
                        gradient, value = parameter.grad, parameter.detach()
                        converted = fn(value)
                        if converted is not value:
                            parameter.data = converted
                            parameter.grad = None if gradient is None else fn(gradient)
                for name, buffer in module._buffers.items():
                    if buffer is not None:
                        module._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert in place: `to(dtype)`, `to(device)`, `to(device, dtype)` or `to(tensor)`. Returns the module.

        A dtype applies to floating-point parameters and buffers only; the one device is the CPU.

        Raises
        ------
        TypeError
            When the dtype is not a floating-point one.
        RuntimeError
            When the device is not the CPU.
        """
        dtype = _parse_to(*args, **kwargs)
        if dtype is None:
            return self
        if dtype.kind != "f":
            raise DtypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}")
        return self._apply(lambda t: t.to(dtype) if t.array.dtype.kind == "f" else t)

    def float(self) -> Self:
        """Convert floating-point parameters and buffers to float32, in place. Returns the module."""
        return self.to(np.float32)

    def double(self) -> Self:
        """Convert floating-point parameters and buffers to float64, in place. Returns the module."""
        return self.to(np.float64)

    def half(self) -> Self:
        """Raise `NotImplementedError`: half precision is not covered."""
        raise NotImplementedError("half: float16 is not covered, expected float() or double()")

    def bfloat16(self) -> Self:
        """Raise `NotImplementedError`: half precision is not covered."""
        raise NotImplementedError("bfloat16: bfloat16 is not covered, expected float() or double()")

    def cpu(self) -> Self:
        """Return the module: everything is on the CPU."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raise the error that `to("cuda")` raises: the CPU is the only device."""
        return self.to(device="cuda")

    # ------------------------------------------------------------------------------------------- text

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """Return what stands between the parentheses of `repr`: the settings of a layer. Subclasses define it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr().split("\n") if self.extra_repr() else []
        children = [f"({name}): {_indent(repr(child))}" for name, child in self._modules.items()]
        if len(extra) == 1 and not children:
            return f"{self._get_name()}({extra[0]})"
        lines = extra + children
        return f"{self._get_name()}(" + ("\n  " + "\n  ".join(lines) + "\n" if lines else "") + ")"


def _parse_to(*args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False) -> np.dtype | None:
    """Return the dtype among the arguments of `to`, if any, having refused every device but the CPU."""
    for value in (*args, device, dtype):
        if isinstance(value, Tensor):
            dtype = value.array.dtype
        elif isinstance(value, str | int | dtypes.device) and not isinstance(value, bool):
            dtypes.device(value)
        elif value is not None and not isinstance(value, bool):
            dtype = value
    return None if dtype is None else dtypes.as_dtype(dtype)


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _indent(text: str) -> str:
    """Indent every line but the first by two spaces."""
    return text.replace("\n", "\n  ")


def _type_name(value: object) -> str:
    return type(value).__qualname__
