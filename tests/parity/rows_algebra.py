"""Rows for products of several tensors, diagonals and statistics, and for constants."""

from hypothesis import strategies as st

from parity.draw import FLOATS, arrays, dims, fitting, pick, rarely, reduction, unary, with_arguments
from parity.framework import Name
from parity.rows_math import products
from parity.table import exempt, other_first_argument, rows

rows("erf", unary(dtypes=(*FLOATS, "int64"), kinds=("normal", "wide", "special")))
rows(
    "median",  # of no whole numbers PyTorch's is the smallest there is
    reduction(kinds=("distinct",), many=False, dtypes=(*FLOATS, "int64", "uint8")).filter(
        lambda a: a[0][0].dtype in FLOATS or 0 not in a[0][0].shape
    ),
)
rows(
    "fastgrok.var_mean fastgrok.std_mean",
    arrays(kinds=("normal",)).flatmap(
        lambda x: st.tuples(
            st.just((x,)),
            st.fixed_dictionaries(
                {}, optional={"dim": dims(len(x.shape)), "keepdim": st.booleans(), "correction": st.integers(0, 2)}
            ),
        )
    ),
)
rows("diagonal", with_arguments(lambda s: st.tuples(st.integers(-3, 3), dims(len(s)), dims(len(s)))))
rows("diag", with_arguments(lambda s: st.tuples(st.integers(-3, 3))))
rows("trace", unary())
rows("moveaxis", with_arguments(lambda s: st.tuples(dims(len(s)), dims(len(s)))))


@st.composite
def added(draw, product):
    """A tensor that broadcasts to a product, and the factors of that."""
    (a, b), _ = draw(product)
    shape = (*a.shape[:-1], *b.shape[-1:]) if len(b.shape) > 1 else a.shape[:-1]
    x = draw(arrays(draw(fitting(shape)), (a.dtype,)))
    return (x, a, b), draw(pick(beta=(2, 0, 1), alpha=(3, 1)))


rows("addmm", added(products((2, 2), (2, 2), None)))
rows("addmv", added(products((2, 2), (1, 1), None)).filter(lambda a: a[0][0].shape and 0 not in a[0][1].shape))
rows("baddbmm", st.sampled_from(((3,), (1,))).flatmap(lambda b: added(products((3, 3), (3, 3), b))))

EQUATIONS = (
    "ij,jk->ik", "ij,kj", "bij,bjk->bik", "...ij,...jk->...ik", "i,j->ij", "ij->ji", "ii->i", "ii", "ij->", "ij,ij->i",
    "bhqd,bhkd->bhqk", "ij,jk,kl->il", "ij,j->i", "i,i,i->i", "ij,jk->iz", "ij->ii", "iij->j", "a...->...a", "ij,k-",
    "i1",
)  # fmt: skip


@st.composite
def equations(draw):
    """An equation and tensors that go with it; rarely of other sizes."""
    equation = draw(st.sampled_from(EQUATIONS))
    sizes = {letter: draw(st.sampled_from((2, 3, 1, 4))) for letter in sorted(set(equation))}
    operands = []
    for term in equation.split("->")[0].split(","):
        letters = term.replace("...", "")
        lead = draw(st.sampled_from(((), (2,), (1,)))) if "..." in term else ()
        shape = [*lead, *[sizes[letter] for letter in letters]]
        if shape and rarely(draw, 15):
            shape[-1] += 1
        operands.append(draw(arrays(tuple(shape), ("float64",))))
    return (equation, *operands), {}


rows("fastgrok.einsum", equations())
other_first_argument("einsum")
for name in ("pi", "e", "inf", "newaxis"):
    rows(f"fastgrok.{name}", st.just(((), {})), function=lambda t, name=name: getattr(t, name))
rows("fastgrok.nan", st.just(((), {})), function=lambda t: t.nan != t.nan)
exempt("what NumPy and Python have, under PyTorch's names", "fastgrok.finfo fastgrok.iinfo fastgrok.Size")
rows("fastgrok.get_default_dtype", st.just(((), {})), function=lambda t: t.ones(1, dtype=t.get_default_dtype()))
rows("fastgrok.set_default_dtype", st.just(((Name("float32"),), {})))


@st.composite
def stacked(draw):
    """Tensors to join, most of the time of one shape."""
    first = draw(arrays(dtypes=("float32", "float64", "int64")))
    others = [
        draw(arrays((*first.shape, 2) if rarely(draw, 12) else first.shape, ("float32",)))
        for _ in range(draw(st.integers(0, 2)))
    ]
    return ([] if rarely(draw, 30) else [first, *others],), {}


rows("fastgrok.hstack fastgrok.vstack fastgrok.dstack", stacked())
other_first_argument("hstack vstack dstack")
