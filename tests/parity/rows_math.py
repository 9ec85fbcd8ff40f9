"""Rows for what calculates: element by element, reductions, products."""

from hypothesis import strategies as st

from parity.draw import (
    ANY,
    FLOATS,
    arrays,
    binary,
    dims,
    dtypes,
    fitting,
    pick,
    rarely,
    reduction,
    reflected,
    shapes,
    unary,
)
from parity.framework import operators
from parity.table import rows

# ------------------------------------------------------------------------------------------------ element by element

rows("abs neg sign square relu clone detach isnan isinf isfinite logical_not", unary())
rows("exp sqrt sin cos tanh sigmoid expm1 rsqrt reciprocal log log2 log10 log1p", unary())
rows("abs_ neg_ exp_ log_ sqrt_ tanh_ sigmoid_ relu_", unary())
rows("floor ceil", unary())
rows("round", unary(dtypes=FLOATS, kinds=("wide", "ties"), decimals=(0, 1, 2, -1)))
rows("numel is_floating_point Tensor.dim Tensor.ndim Tensor.shape Tensor.dtype Tensor.device Tensor.is_leaf", unary())
rows("Tensor.requires_grad Tensor.element_size Tensor.tolist Tensor.data Tensor.cpu Tensor.ravel", unary())
rows("Tensor.float Tensor.double Tensor.long Tensor.int Tensor.bool Tensor.contiguous Tensor.grad", unary())
rows("Tensor.is_contiguous Tensor.stride", unary(kinds=("normal",)))
rows("Tensor.numpy", unary(force=(True, False)))
rows("Tensor.zero_", unary())
rows("Tensor.item", unary(high=1))

rows("add sub", binary(alpha=(1, 2, -3)))
rows("mul div maximum minimum", binary())
rows("Tensor.add_ Tensor.sub_", binary(alpha=(1, 2)))
rows("Tensor.mul_ Tensor.div_", binary())
rows("eq ne lt le gt ge", binary(kinds=("ties", "special")))
rows("logical_and logical_or", binary(kinds=("ties",), numbers=()))
NOT_BOOL = (*FLOATS, "float32", "int64", "int32", "uint8")
rows("pow", binary(dtypes=NOT_BOOL, kinds=("positive",), numbers=(2, 0.5, -1, 0, 3, 1.5)))
rows("Tensor.pow_", binary(dtypes=NOT_BOOL, kinds=("positive",), numbers=(2, 0.5, -1, 3)))
rows("remainder", binary(kinds=("ties",), other_kinds=("positive",), numbers=(2, 3, -2)))
rows(
    "isclose allclose",
    binary(dtypes=FLOATS, kinds=("ties",), numbers=(), same_dtype=True, rtol=(0.5, 1e-5), equal_nan=(True, False)),
)
rows("equal", binary(kinds=("ties",), numbers=()))
for name, function in operators("add", "sub", "mul", "truediv", "pow", "floordiv", "mod").items():
    kinds = ("positive",) if name in ("pow", "floordiv", "mod") else ("normal", "ties")
    dtypes_, numbers = (NOT_BOOL, (2, 3, 0.5, 1.5)) if name == "pow" else (ANY, (2, 3, 0.5, True, 1.5))
    rows(f"operator.{name}", reflected(dtypes=dtypes_, kinds=kinds, numbers=numbers), function=function)
for name, function in operators("lt", "le", "gt", "ge", "eq", "ne").items():
    rows(f"operator.{name}", reflected(kinds=("ties",), wrong=()), function=function)
for name, function in operators("and_", "or_", "xor").items():
    rows(
        f"operator.{name}",
        reflected(dtypes=("bool", "int64", "int32", "float32"), numbers=(True, 3), wrong=()),
        function=function,
    )
for name in ("neg", "pos", "invert", "abs"):
    rows(f"operator.{name}", unary(), function=lambda t, x, f=f"__{name}__": getattr(x, f)())
rows("operator.bool", unary(high=1), function=lambda t, x: bool(x))
rows("operator.float", unary(high=1, kinds=("normal",)), function=lambda t, x: float(x))
rows("operator.int", unary(high=1, kinds=("normal",)), function=lambda t, x: int(x))
rows("operator.len", unary(), function=lambda t, x: len(x))
rows("operator.iter", unary(), function=lambda t, x: list(x))


@st.composite
def limits(draw):
    """A tensor with a lower and an upper limit: numbers, tensors, or one left out."""
    x = draw(arrays(dtypes=ANY, kinds=("normal", "ties", "special")))
    options = {}
    tensors = draw(st.booleans())
    for name in ("min", "max"):
        if draw(st.integers(0, 5)):
            tensor = arrays(draw(fitting(x.shape)), (x.dtype, x.dtype, "float32"), ("normal", "ties"))
            options[name] = draw(tensor if tensors else st.sampled_from((-0.5, 0, 1, 1.5, 2)))
    return (x,), options


rows("clamp clip Tensor.clamp_", limits())


@st.composite
def where(draw):
    """A condition and two operands, tensors or numbers."""
    condition = draw(arrays(dtypes=("bool",) * 9 + ("uint8", "float32")[1:]))
    operand = st.one_of(
        arrays(draw(fitting(condition.shape)), ANY), arrays(condition.shape, ANY), st.sampled_from((2, 0.5, True))
    )
    return (condition, draw(operand), draw(operand)), {}


rows("fastgrok.where", where())
rows(
    "Tensor.where",
    binary().flatmap(lambda a: arrays(a[0][0].shape, ("bool",)).map(lambda c: ((a[0][0], c, a[0][1]), {}))),
)
rows("fastgrok.result_type", reflected(wrong=()))

# ---------------------------------------------------------------------------------------------------- reductions

rows("sum", reduction(dtype=dtypes("float64", "int64", "float32")))
rows("mean", reduction(dtype=dtypes("float64", "float32")))
rows("var std", reduction(none_of=False, dtypes=(*FLOATS, "float32", "int64"), correction=(0, 1, 2, 5)))
rows("amax amin", reduction())
rows("max min", reduction(kinds=("distinct",), many=False))
rows("argmax argmin", reduction(kinds=("distinct",), many=False, dtypes=(*FLOATS, "int64", "uint8")))
rows("prod", reduction(many=False, kinds=("normal", "ties", "positive"), dtype=dtypes("float64", "int64")))
rows("all any", reduction(kinds=("ties",)))
rows("count_nonzero", reduction(kinds=("ties",), keepdim=False))
rows("logsumexp", reduction(none_of=False, kinds=("normal", "wide"), needed=True, dtypes=(*FLOATS, "int64")))
rows(
    "norm",
    reduction(
        dtypes=(*FLOATS, "float32", "int64"),
        before=(1, 2, 3, 1.5, 0, float("inf"), -float("inf"), "fro", -1),
        kinds=("normal",),
    ),
)
rows("cumsum cumprod", reduction(needed=True, many=False, keepdim=False, dtype=dtypes("float64", "int64")))
rows(
    "softmax log_softmax",
    reduction(
        dtypes=FLOATS,
        kinds=("normal", "wide", "special"),
        needed=True,
        many=False,
        keepdim=False,
        dtype=dtypes(*FLOATS),
    ),
)
rows(
    "argsort",
    reduction(kinds=("distinct",), dtypes=(*FLOATS, "float32"), many=False, keepdim=False, descending=(True, False)),
)
rows(
    "sort",
    arrays(dtypes=(*FLOATS, "int64"), kinds=("ties",)).flatmap(
        lambda x: st.tuples(
            st.just((x,)),
            st.fixed_dictionaries(
                {"stable": st.just(True)}, optional={"dim": dims(len(x.shape)), "descending": st.booleans()}
            ),
        )
    ),
)


@st.composite
def topk(draw):
    """A tensor, how many, and of which dimension."""
    x = draw(arrays(dtypes=(*FLOATS, "float32"), kinds=("distinct",)))
    dim = draw(dims(len(x.shape)))
    size = x.shape[dim] if -len(x.shape) <= dim < len(x.shape) else 1
    return (x, draw(st.integers(0, size + rarely(draw))), dim), draw(pick(largest=(True, False)))


rows("topk", topk())
rows(
    "unique",
    unary(
        kinds=("ties",), dtypes=(*FLOATS, "int64", "bool"), return_inverse=(True, False), return_counts=(True, False)
    ),
)
rows(
    "bincount",
    arrays(dtypes=("int64", "int32", "int64", "float32"), kinds=("positive",), low=1, high=1).map(lambda x: ((x,), {})),
)

# ---------------------------------------------------------------------------------------------------- products


@st.composite
def products(draw, left=(1, 4), right=(1, 4), batch=True):
    """Two operands of a matrix product, of so many dimensions; rarely of sizes or dtypes that do not fit."""
    M, K, N = draw(st.tuples(*[st.sampled_from((2, 3, 5, 1, 0))] * 3))
    common = draw(shapes(0, 2)) if batch is True else batch or ()
    a, b = draw(st.integers(*left)), draw(st.integers(*right))
    lead = {"a": common, "b": common}
    if batch is True:
        lead = {name: tuple(1 if draw(st.integers(0, 4)) == 0 else n for n in common) for name in "ab"}
        lead = {name: lead[name][max(len(common) - (n - 2), 0) :] for name, n in (("a", a), ("b", b))}
    K2 = K + 1 if rarely(draw) else K
    first = (K,) if a == 1 else (*lead["a"], M, K)
    second = (K2,) if b == 1 else (*lead["b"], K2, N)
    dtype = draw(st.sampled_from((*FLOATS, "float32", "int64")))
    other = "float64" if rarely(draw) and 0 not in (*first, *second) else dtype  # PyTorch compares no empty ones
    return (draw(arrays(first, (dtype,))), draw(arrays(second, (other,)))), {}


rows("matmul", products())
rows("mm", products((1, 3), (2, 2), None))
rows("operator.matmul", products(), function=lambda t, a, b: a @ b)
rows("bmm", st.sampled_from(((3,), (1,), (0,))).flatmap(lambda b: products((2, 3), (3, 3), b)))
rows("dot", products((1, 1), (1, 2), None))
rows("outer", products((1, 1), (1, 2), None))
