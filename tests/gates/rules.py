"""The rules of this repository as functions from source text to a list of complaints; empty means that a rule is kept.

They look at text and syntax trees only, so that test_rules.py can feed each one a snippet that breaks it.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ROOT / "kernels" / "fastgrok_kernels"

# ------------------------------------------------------------------------------------------------ import direction

# Who may import whom. What can be reached through several arrows may be imported as well; nothing points upward.
FRAMEWORK = {
    "kernels": (),
    "errors": (),
    "not_covered": (),
    "random": (),
    "ops": ("kernels", "errors", "random"),
    "grad_mode": (),
    "flow": ("ops", "errors"),
    "autograd": ("flow", "grad_mode", "ops", "errors", "not_covered"),
    "tensor": ("autograd", "ops"),
    "nn": ("tensor",),
    "optim": ("tensor", "kernels"),
    "data": ("tensor",),
    "distributed": ("nn", "optim", "data"),
    "training": ("nn", "optim", "data", "distributed"),
    "onnx": ("training",),  # for its files alone
    "book": ("autograd", "ops", "nn", "optim"),
    "keras": ("training", "book"),
    "federated": ("training", "book"),
    "utils": ("training",),  # torch.utils' names for what lives in data and training
    "cli": ("keras", "federated", "utils"),
    "__main__": ("cli",),
    "__init__": ("cli",),
}

_BLOCKS = (
    "matmul",
    "matvec",
    "packing",
    "transpose",
    "vector",
    "simd",
    "scalar",
    "groups",
    "rows",
    "counter",
    "memory",
    "jit",
)  # what any kernel may be built from
KERNEL_MODULES = {
    "cache": (),
    "pipeline": (),
    "jit": ("cache", "pipeline"),
    "simd": ("jit",),
    "vector": ("simd", "jit"),
    "scalar": ("vector", "jit", "pipeline"),  # whose bodies are compiled like all others
    "transpose": ("vector", "simd", "jit"),
    "packing": ("transpose", "vector", "simd", "jit"),
    "matvec": ("vector", "jit"),
    "small": ("vector", "jit"),
    "matmul": ("matvec", "packing", "small", "vector", "simd", "scalar", "memory", "jit"),
    "memory": (),
    "groups": ("jit",),
    "rows": ("vector", "simd", "jit"),
    "counter": ("jit",),
    "arithmetic": _BLOCKS,
    "attention": ("dropout", "softmax", *_BLOCKS),
    "conv": ("depthwise", "layout", "whole_image", *_BLOCKS),  # with as many groups as channels, with one window
    "cross_entropy": ("softmax", *_BLOCKS),
    "depthwise": _BLOCKS,
    "dropout": _BLOCKS,
    "norm": _BLOCKS,
    "layout": _BLOCKS,
    "gates": _BLOCKS,  # the weight layout that all recurrent kernels share
    "generate": ("lstm", "gates", *_BLOCKS),  # steps of the same recurrence, one at a time
    "group_norm": ("norm", *_BLOCKS),  # which sums rows
    "gru": ("rnn", "lstm", "gates", *_BLOCKS),
    "lstm": ("gates", *_BLOCKS),
    "rnn": ("lstm", "gates", *_BLOCKS),  # work is cut in the same ways
    "softmax": _BLOCKS,
    "whole_image": ("arithmetic", "layout", *_BLOCKS),  # a dense layer
    "reference": ("reference",),  # what attention drops, and random words, come from the reference of dropout
}
_ANY_KERNEL = ("gates", *_BLOCKS)


def closure(arrows: dict, name: str) -> set[str]:
    """Everything that can be reached from `name`, without itself."""
    reached, waiting = set(), list(arrows[name])
    while waiting:
        target = waiting.pop()
        if target not in reached:
            reached.add(target)
            waiting += arrows[target]
    return reached


def imports(source: str, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of every import, including those inside functions and `if TYPE_CHECKING`."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join(parents[: len(parents) - node.level + 1] + ([base] if base else []))
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def upward_imports(source: str, module: str, is_package: bool = False, facade: dict | None = None) -> list[str]:
    """Imports of a module of `fastgrok` that do not point downward.

    `facade` says where the names of the package itself live, `Tensor` in `tensor.tensor`: such a name counts as an
    import from there.
    """
    here = "__init__" if is_package and module == "fastgrok" else _layer(module)
    if here not in FRAMEWORK:
        return [f"{module}: not a layer of tests/gates/rules.py: decide where it belongs and add it there"]
    allowed = closure(FRAMEWORK, here) | {here}
    found = []
    for line, name in [*imports(source, module, is_package), *_uses_of_the_package(source)]:
        if name.split(".")[0] in ("fastgrok", "fastgrok_kernels"):
            target = "kernels" if name.startswith("fastgrok_kernels") else _layer(name)
            target = (facade or {}).get(target, target).split(".")[0]
            if target not in allowed and name != "fastgrok" and here != "__init__":
                found.append(_complaint(module, line, name, allowed))
        elif here in ("errors", "random") and not _is_standard(name) and name.split(".")[0] != "numpy":
            found.append(_complaint(module, line, name, {"numpy"}))
    return found


def _uses_of_the_package(source: str) -> Iterator[tuple[int, str]]:
    """`fastgrok.x` for every attribute of a plain `import fastgrok`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "fastgrok":
            yield node.lineno, f"fastgrok.{node.attr}"


def _layer(name: str) -> str:
    """`fastgrok.nn.rnn` -> `nn`; the package itself -> `fastgrok`."""
    return name.split(".")[1] if "." in name else name


def upward_kernel_imports(source: str, module: str, is_package: bool = False) -> list[str]:
    """Imports of a module of `fastgrok_kernels` that do not point downward, or leave NumPy and Numba."""
    here = module.split(".")[1] if "." in module else "__init__"
    unrestricted = here in ("__init__", "table")
    allowed = closure(KERNEL_MODULES, here) if here in KERNEL_MODULES else {*_ANY_KERNEL, "cache"}
    packages = {"numpy"} if here == "reference" else {"numpy", "numba", "llvmlite"}
    found = []
    for line, name in imports(source, module, is_package):
        top, _, rest = name.partition(".")
        if top == "fastgrok_kernels":
            target = rest.partition(".")[0]
            if not unrestricted and target not in allowed:
                found.append(_complaint(module, line, name, allowed))
        elif top not in packages and (here == "reference" or not _is_standard(name)):
            found.append(_complaint(module, line, name, packages))
    return found


def _complaint(module: str, line: int, name: str, allowed: set[str]) -> str:
    return f"{module}:{line}: imports {name}; from here it may be: {', '.join(sorted(allowed)) or 'nothing of ours'}"


def _is_standard(name: str) -> bool:
    return name.split(".")[0] in sys.stdlib_module_names


# ------------------------------------------------------------------------------------------------ no BLAS

# NumPy's functions that end in BLAS or LAPACK. `correlate` and `norm` call `dot` inside.
_BLAS = {
    "dot", "vdot", "inner", "matmul", "einsum", "tensordot", "vecdot", "matvec", "vecmat", "linalg",
    "correlate", "convolve", "cov", "corrcoef", "polyfit",
}  # fmt: skip


def blas_calls(source: str, name: str) -> list[str]:
    """Products that NumPy would hand to BLAS: `@` between arrays, np.dot and its relatives, `array.dot`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        reason = None
        if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.MatMult):
            left = node.left if isinstance(node, ast.BinOp) else node.target
            reason = None if isinstance(left, ast.Name) and left.id == "self" else "@"  # `self` is a Tensor
        elif isinstance(node, ast.Attribute) and node.attr in _BLAS and _is_numpy(node.value):
            reason = f"np.{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "dot":
            reason = ".dot()"
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            top, names = node.module.split(".")[0], {alias.name for alias in node.names}
            if top == "scipy" or node.module == "numpy.linalg" or (top == "numpy" and names & _BLAS):
                reason = f"an import from {node.module}"
        if reason:
            found.append(f"{name}:{node.lineno}: {reason} goes through BLAS: use fastgrok_kernels.matmul")
    return found


def _is_numpy(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy")


# ------------------------------------------------------------------------------------------------ docstrings


def missing_docstrings(source: str, name: str) -> list[str]:
    """Public modules, classes, functions and methods without a docstring. Magic and nested ones need none."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) or not tree.body else [f"{name}: the module has no docstring"]
    for parent, node in _public_definitions(tree):
        exempt = any(_decorator(d) in ("overload", "setter", "deleter") for d in node.decorator_list)
        if not exempt and not ast.get_docstring(node):
            found.append(f"{name}:{node.lineno}: {parent}{node.name} has no docstring")
    return found


def _public_definitions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Classes, functions and methods with the name of their class; where a module has `__all__`, what it lists."""
    listed = next((n.value for n in tree.body if isinstance(n, ast.Assign) and _targets(n) == ["__all__"]), None)
    literal = isinstance(listed, (ast.List, ast.Tuple))
    public = {item.value for item in listed.elts if isinstance(item, ast.Constant)} if literal else None
    for node in tree.body:
        is_definition = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
        if is_definition and (public is None or node.name in public):
            yield "", node
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                        yield f"{node.name}.", method


def _targets(node: ast.Assign) -> list[str]:
    return [getattr(target, "id", "") for target in node.targets]


def _decorator(node: ast.AST) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def missing_types(source: str, name: str) -> list[str]:
    """Public functions and methods with a parameter or a result that has no type."""
    found = []
    for parent, node in _public_definitions(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            arguments = node.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
            bound = parent and not any(_decorator(d) == "staticmethod" for d in node.decorator_list)
            untyped = [a.arg for a in every[1 if bound else 0 :] if a is not None and a.annotation is None]
            untyped += [] if node.returns else ["the result"]
            if untyped:
                found.append(f"{name}:{node.lineno}: {parent}{node.name}: no type for {', '.join(untyped)}")
    return found


def undocumented_shapes(docstring: str, parameters: list[str], arrays: set[str]) -> list[str]:
    """Parameters that a kernel's docstring leaves out, and array parameters whose shape it does not give.

    A shape is written after the name, or after the last of several: `x (N, D)`, `h0 and c0 (B, H)`.
    """
    found = []
    for parameter in parameters:
        word = rf"(?<![\w.]){re.escape(parameter)}(?!\w)"
        if not re.search(word, docstring):
            found.append(f"parameter {parameter} is not documented")
        elif parameter in arrays and not re.search(word + r"[^.;()]{0,60}\((?:[^()]|\([^()]*\))*\)", docstring):
            found.append(f"the shape of {parameter} is not documented")
    return found


# ------------------------------------------------------------------------------------------------ tests and files


def skips_without_reason(source: str, name: str) -> list[str]:
    """`pytest.skip()`, `mark.skip`, `mark.skipif` and `mark.xfail` that do not say why."""
    tree = ast.parse(source)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            kind = node.func.attr
            named = any(keyword.arg == "reason" and _says_something(keyword.value) for keyword in node.keywords)
            positional = kind == "skip" and bool(node.args) and _says_something(node.args[0])
            bare = kind in ("skip", "skipif", "xfail") and _is_pytest(node.func) and not (named or positional)
        else:
            bare = isinstance(node, ast.Attribute) and node.attr in ("skip", "skipif", "xfail") and _is_pytest(node)
            bare = bare and id(node) not in called
        if bare:
            found.append(f"{name}:{node.lineno}: a test is skipped or expected to fail without a reason")
    return found


def _says_something(node: ast.AST) -> bool:
    return not isinstance(node, ast.Constant) or bool(node.value)


def _is_pytest(node: ast.Attribute) -> bool:
    value = node.value
    if isinstance(value, ast.Attribute) and value.attr == "mark":
        value = value.value
    return isinstance(value, ast.Name) and value.id == "pytest"


def local_paths(text: str, name: str, checkout: Path = ROOT) -> list[str]:
    """Absolute paths to homes, to what is mounted or temporary, or to the surroundings of the checkout itself.

    They mean nothing on another machine.
    """
    folders = ["/home", "/Users", "/root", "/mnt", "/tmp"]
    if checkout.parent != Path(checkout.anchor):
        folders.append(checkout.parent.as_posix())
    pattern = rf"(?<![\w./:])(?:{'|'.join(map(re.escape, folders))})/\w|\b[A-Z]:\\+Users\b"
    return [
        f"{name}:{number}: a path of one machine: {line.strip()[:80]}"
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line)
    ]


def code_lines(source: str) -> int:
    """Lines of code: neither blank, nor comment, nor docstring, so that nobody saves on those."""
    tree = ast.parse(source)
    documented = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documented.update(range(node.lineno, node.end_lineno + 1))
    lines = enumerate(source.splitlines(), 1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") and n not in documented for n, line in lines)
