"""Rows for what makes and converts tensors."""

import copy
import dataclasses
import pickle

import numpy as np
from hypothesis import strategies as st

from parity.draw import (
    ANY,
    FLOATS,
    arrays,
    dtypes,
    fitting,
    pick,
    shapes,
    unary,
    unpacked,
    with_arguments,
)
from parity.table import other_first_argument, rows

# ---------------------------------------------------------------------------------------------------- conversion


@st.composite
def conversions(draw):
    """A tensor, and a dtype, a device, both, or another tensor."""
    x = draw(arrays(dtypes=ANY))
    dtype = draw(dtypes(*ANY, "int8", "int16", "bool"))
    form = draw(
        st.sampled_from(((dtype,), ("cpu",), ("cpu", dtype), (draw(arrays(dtypes=ANY)),), (None,), ("nowhere",)))
    )
    return (x, *form), draw(pick(copy=(True, False)))


rows("Tensor.to", conversions())
rows("Tensor.type", st.tuples(arrays(dtypes=ANY), dtypes(*ANY)).map(lambda a: (a, {})))
rows("Tensor.type_as", st.tuples(arrays(dtypes=ANY), arrays(dtypes=ANY)).map(lambda a: (a, {})))
rows(
    "Tensor.fill_",
    st.tuples(arrays(dtypes=ANY), st.sampled_from((2, 1.5, True)) | arrays(high=1, dtypes=ANY)).map(lambda a: (a, {})),
)
rows("Tensor.copy_", with_arguments(lambda s: st.tuples(fitting(s).flatmap(lambda f: arrays(f, ANY))), dtypes=ANY))


def one_dtype(drawn):
    """The same call with all tensors as float64."""
    return tuple(dataclasses.replace(x, dtype="float64") for x in drawn[0]), drawn[1]


rows(
    "Tensor.addcmul_ Tensor.addcdiv_",
    with_arguments(lambda s: st.tuples(fitting(s).flatmap(arrays), arrays(s, kinds=("positive",))), dtypes=FLOATS).map(
        one_dtype
    ),
)
rows("Tensor.lerp_", with_arguments(lambda s: st.tuples(arrays(s), st.sampled_from((0.0, 0.3, 1.0))), dtypes=FLOATS))
rows("Tensor.requires_grad_", unary(requires_grad=(True, False)))
rows("Tensor.detach_", unary())
rows("operator.array", unary(), function=lambda t, x: np.asarray(x.detach()))
rows("operator.deepcopy", unary(), function=lambda t, x: copy.deepcopy(x))
rows("operator.pickle", unary(), function=lambda t, x: pickle.loads(pickle.dumps(x)))
rows(
    "operator.format",
    unary(kinds=("ties",), dtypes=("float32", "int64", "bool"), high=2),
    function=lambda t, x: str(x.detach()).replace("torch.", ""),
)

# ---------------------------------------------------------------------------------------------------- creation

made = {"dtype": dtypes("float32", "float64", "int64", "bool")}
float_made = {"dtype": dtypes("float32", "float64")}
any_shape = unpacked(shapes(0, 3) | shapes(0, 3) | st.just((2, -1)))


def creation(arguments, **options):
    """Arguments that are no tensors, and options."""
    return st.tuples(arguments, pick(**options))


rows("fastgrok.zeros fastgrok.ones", creation(any_shape, requires_grad=(True, False), **float_made))
rows("fastgrok.empty", creation(any_shape, **made), values=False)
rows("fastgrok.full", creation(st.tuples(shapes(), st.sampled_from((2, 2.5, True))), **made))
rows("fastgrok.eye", creation(st.lists(st.integers(-1, 4), min_size=1, max_size=2).map(tuple), **made))
rows(
    "fastgrok.arange",
    creation(st.lists(st.sampled_from((0, 1, 2, 5, -1, 0.5, 7.25)), min_size=1, max_size=3).map(tuple), **float_made),
)
rows(
    "fastgrok.linspace",
    creation(st.tuples(st.sampled_from((0, 1.5, -2)), st.sampled_from((3, -1.25)), st.integers(-1, 6)), **float_made),
)
rows("fastgrok.zeros_like fastgrok.ones_like", unary(**made))
rows("fastgrok.empty_like", unary(**made), values=False)
rows("fastgrok.full_like", st.tuples(st.tuples(arrays(dtypes=ANY), st.sampled_from((2, 2.5, True))), pick(**made)))
numbers = st.integers(-4, 4) | st.booleans() | st.sampled_from((0.5, 2.25))
nested = numbers | arrays(dtypes=ANY).map(lambda x: x.make().tolist()) | st.just([[1], [1, 2]]) | st.lists(numbers)
rows("fastgrok.tensor fastgrok.as_tensor", creation(st.tuples(nested | st.just("a") | arrays(dtypes=ANY)), **made))
rows("fastgrok.from_numpy", st.builds(lambda x: ((x.make(),), {}), arrays(dtypes=(*ANY, "float16", "uint16")[:-2])))
rows(
    "fastgrok.Tensor",
    st.tuples(
        shapes(1, 3).filter(lambda s: 0 in s) | st.tuples(st.lists(st.sampled_from((0.5, 2)), max_size=3)), st.just({})
    ),
)
rows("fastgrok.is_tensor", unary())
other_first_argument(
    "is_tensor from_numpy tensor as_tensor meshgrid cat stack concat concatenate where result_type result_type full eye"
)
other_first_argument("zeros ones empty arange linspace Tensor rand randn")

rows("fastgrok.rand fastgrok.randn", creation(any_shape, **float_made), values=False)
rows("fastgrok.rand_like fastgrok.randn_like", unary(dtypes=FLOATS), values=False)
rows(
    "fastgrok.randint", creation(st.tuples(st.integers(-2, 2), st.integers(0, 5), shapes()), **float_made), values=False
)
rows("fastgrok.randint_like", st.tuples(st.tuples(arrays(dtypes=ANY), st.integers(1, 3)), st.just({})), values=False)
rows("fastgrok.randperm", creation(st.tuples(st.integers(0, 9))), values=False)
rows("fastgrok.normal", creation(st.tuples(st.just(0.0), st.just(2.0), shapes())), values=False)
rows(
    "bernoulli",
    st.tuples(st.tuples(arrays(dtypes=FLOATS, kinds=("probability", "wide"), grad=False)), st.just({})),
    values=False,
)
rows("Tensor.bernoulli_ Tensor.normal_", unary(dtypes=FLOATS), values=False)
rows("Tensor.uniform_", unary(dtypes=FLOATS), values=False)
rows(
    "multinomial",
    with_arguments(
        lambda s: st.tuples(st.integers(-1, 4), st.booleans()), dtypes=FLOATS, kinds=("positive", "normal"), low=1
    ),
    values=False,
)
