"""What to draw arguments from. Every strategy here yields `(arguments, keywords)` for a row; most draw, now and then,
something that PyTorch refuses."""

from typing import Any

from hypothesis import strategies as st

from parity.framework import Array, Name

FLOATS = ("float32", "float64")
WHOLE = ("int64", "int32", "uint8", "int8", "int16")
ANY = (*FLOATS, "float32", "int64", "int32", "uint8", "bool")
NUMBERS = (*FLOATS, "float32", "int64", "int32")
LAYOUTS = ("C", "C", "F", "gaps")
KINDS = ("normal", "ties", "special")

seeds = st.integers(0, 999)
sizes = st.sampled_from((2, 3, 1, 4, 5, 0))


def rarely(draw: Any, chance: int = 10) -> bool:
    """Whether this is the one example in so many that is to be wrong."""
    return draw(st.integers(0, chance - 1)) == chance - 1


@st.composite
def shapes(draw: Any, low: int = 0, high: int = 3) -> tuple:
    """Return a shape of `low` to `high` dimensions."""
    return tuple(draw(st.lists(sizes, min_size=low, max_size=high)))


@st.composite
def arrays(
    draw: Any,
    shape: Any = None,
    dtypes: tuple = FLOATS,
    kinds: tuple = ("normal",),
    low: int = 0,
    high: int = 3,
    grad: Any = None,
) -> Array:
    """Return a tensor: of the given or any shape, one of the dtypes and kinds, with or without a gradient."""
    if shape is None:
        shape = draw(shapes(low, high))
    dtype = draw(st.sampled_from(dtypes))
    wants = draw(st.sampled_from((True, True, False))) if grad is None else grad
    return Array(
        tuple(shape),
        dtype,
        draw(st.sampled_from(kinds)),
        draw(seeds),
        wants and dtype in FLOATS,
        draw(st.sampled_from(LAYOUTS)),
    )


@st.composite
def dims(draw: Any, ndim: int) -> int:
    """Return a dimension of a tensor, rarely one that it does not have."""
    span = max(ndim, 1)
    return (
        draw(st.sampled_from((span, -span - 1, span + 3))) if rarely(draw, 15) else draw(st.integers(-span, span - 1))
    )


@st.composite
def fitting(draw: Any, shape: tuple) -> tuple:
    """Return a shape that broadcasts with another, rarely one that does not."""
    if rarely(draw, 12):
        return (*shape[:-1], (shape[-1] if shape else 1) + 7)
    cut = draw(st.integers(0, len(shape)))
    return tuple(1 if draw(st.integers(0, 3)) == 0 else size for size in shape[cut:])


def pick(**options: Any) -> st.SearchStrategy:
    """Return keywords, each left out or drawn from its values."""
    return st.fixed_dictionaries({}, optional={k: choice(v) for k, v in options.items()})


def choice(values: Any) -> st.SearchStrategy:
    """Return a strategy: values of a tuple, or what is one already."""
    return st.sampled_from(values) if isinstance(values, tuple) else values


def dtypes(*names: str) -> st.SearchStrategy:
    """Return one of some dtypes."""
    return st.sampled_from(names).map(Name)


# ------------------------------------------------------------------------------------------------ element by element


@st.composite
def unary(draw: Any, dtypes: tuple = ANY, kinds: tuple = KINDS, high: int = 3, **options: Any) -> tuple:
    """One tensor, element by element, with options."""
    return (draw(arrays(dtypes=dtypes, kinds=kinds, high=high)),), draw(pick(**options))


NOT_OPERANDS = (None, "a", [1.0])


@st.composite
def binary(
    draw: Any,
    dtypes: tuple = ANY,
    kinds: tuple = ("normal", "ties"),
    numbers: Any = (2, -1, 0, 0.5, -1.5, True),
    wrong: tuple = NOT_OPERANDS,
    same_dtype: bool = False,
    other_kinds: tuple | None = None,
    **options: Any,
) -> tuple:
    """Two tensors that broadcast, or a tensor and a number."""
    a = draw(arrays(dtypes=dtypes, kinds=kinds))
    if wrong and rarely(draw, 20):
        b = draw(st.sampled_from(wrong))
    elif numbers and draw(st.integers(0, 3)) == 0:
        b = draw(st.sampled_from(numbers))
    else:
        b = draw(
            arrays(
                draw(fitting(a.shape)),
                (a.dtype,) if same_dtype and not rarely(draw, 10) else dtypes,
                other_kinds or kinds,
            )
        )
    return (a, b), draw(pick(**options))


@st.composite
def reflected(draw: Any, **options: Any) -> tuple:
    """As `binary`, in either order."""
    (a, b), _ = draw(binary(**options))
    return ((a, b) if draw(st.booleans()) else (b, a)), {}


# ---------------------------------------------------------------------------------------------------- reductions


@st.composite
def reduction(
    draw: Any,
    dtypes: tuple = ANY,
    kinds: tuple = ("normal", "ties"),
    many: bool = True,
    needed: bool = False,
    keepdim: bool = True,
    low: int = 0,
    before: Any = None,
    none_of: bool = True,
    **options: Any,
) -> tuple:
    """A tensor, with no dimension, one, or several (`many`); `needed`: there has to be one. `none_of`:
    several may be none at all. `before`: an argument between the two."""
    x = draw(arrays(dtypes=dtypes, kinds=kinds, low=low))
    arguments: list = [x] if before is None else [x, draw(choice(before))]
    keywords = draw(pick(**options))
    form = draw(st.sampled_from(("one", "one", "many", "none")))
    if form == "one" or (needed and (not many or form == "none")):
        dim = draw(dims(len(x.shape)))
    elif form == "many" and many:
        chosen = draw(
            st.lists(
                st.integers(0, max(len(x.shape) - 1, 0)), min_size=not none_of, max_size=3, unique=not rarely(draw)
            )
        )
        dim = draw(st.sampled_from((tuple, list)))(chosen)
    else:
        return tuple(arguments), keywords
    if keepdim and draw(st.booleans()):
        keywords["keepdim"] = draw(st.booleans())
    if draw(st.booleans()):
        keywords["dim"] = dim
    else:
        arguments.append(dim)
    return tuple(arguments), keywords


# ---------------------------------------------------------------------------------------------------- shapes


@st.composite
def with_dim(
    draw: Any,
    dtypes: tuple = ANY,
    kinds: tuple = ("normal",),
    low: int = 0,
    high: int = 3,
    extra: int = 0,
    **options: Any,
) -> tuple:
    """A tensor and one of its dimensions (`extra`: of a tensor with so many more)."""
    x = draw(arrays(dtypes=dtypes, kinds=kinds, low=low, high=high))
    return (x, draw(dims(len(x.shape) + extra))), draw(pick(**options))


@st.composite
def with_arguments(
    draw: Any, arguments: Any, dtypes: tuple = ANY, kinds: tuple = ("normal",), low: int = 0, high: int = 3
) -> tuple:
    """A tensor and what `arguments(shape)`, a strategy of tuples, draws for its shape."""
    x = draw(arrays(dtypes=dtypes, kinds=kinds, low=low, high=high))
    return (x, *draw(arguments(x.shape))), {}


@st.composite
def unpacked(draw: Any, values: Any) -> tuple:
    """Return several whole numbers as `(1, 2)` or `((1, 2),)`: both `f(1, 2)` and `f((1, 2))` are in use."""
    several = tuple(draw(values))
    return several if several and draw(st.booleans()) else (several,)


def ids(shape: Any, size: int, negative: bool = False, dtypes: tuple = ("int64",)) -> st.SearchStrategy:
    """Return ids of things numbered from 0 to size - 1; rarely one beyond, or below."""
    good, low = (-size if negative else 0, size), -size if negative else 0
    wrong = st.sampled_from(((low, size + 3), (low - 2, size)))
    ranges = st.integers(0, 11).flatmap(lambda i: wrong if i == 11 else st.just(good))
    shaped = shape if isinstance(shape, st.SearchStrategy) else st.just(tuple(shape))
    wrong_dtype = ("float32",) if isinstance(shape, st.SearchStrategy) or 0 not in tuple(shape) else ()
    return st.builds(Array, shaped, st.sampled_from((*dtypes * 8, *wrong_dtype)), ranges, seeds)
