"""A SIMD vector as a value in compiled code: load a few neighbouring elements, compute with them, store them.

The compiler turns a long loop over one or two arrays into vector instructions by itself. It gives up, or spends more
time proving that arrays do not overlap than computing, on the short loops over many arrays of a recurrent cell. There
the kernels say what they mean:

    x = load(a, i)                # the `lanes_of(a)` elements from flat offset i on
    store(a, i, x * y + z)

Arithmetic and comparisons work as on scalars, `select(condition, x, y)` stands for `x if condition else y`, and a
scalar operand is repeated in every lane, so that the functions of scalar.py take vectors as well. When JIT is off a
vector is a small NumPy array.
"""

import operator

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from . import jit
from .simd import LANES, lanes_of

_FLAGS = tuple(sorted(jit.FASTMATH))


class Vector(types.Type):
    """`count` numbers of type `dtype`; comparisons give vectors of booleans."""

    def __init__(self, dtype, count):
        self.dtype, self.count = dtype, count
        super().__init__(name=f"Vector({dtype}, {count})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        super().__init__(manager, vector, llvm_type(vector))


def _llvm_scalar(dtype):
    if isinstance(dtype, types.Boolean):
        return ir.IntType(1)
    if isinstance(dtype, types.Integer):
        return ir.IntType(dtype.bitwidth)
    return ir.FloatType() if dtype == types.float32 else ir.DoubleType()


def llvm_type(ty):
    """The LLVM type of a Vector or of a scalar number."""
    return ir.VectorType(_llvm_scalar(ty.dtype), ty.count) if isinstance(ty, Vector) else _llvm_scalar(ty)


def _repeat(builder, value, count):
    """A vector with `value` in every lane."""
    kind = ir.VectorType(value.type, count)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(
        one, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
    )


def _widen(builder, arguments, kinds):
    """Repeat the scalars among the arguments where one of them is a vector."""
    counts = [kind.count for kind in kinds if isinstance(kind, Vector)]
    if not counts:
        return arguments
    return [
        a if isinstance(kind, Vector) else _repeat(builder, a, counts[0])
        for a, kind in zip(arguments, kinds, strict=True)
    ]


# ------------------------------------------------------------------------------------------------ operators


def _define(operation, emit, compares):
    """Teach Numba one binary operator on two vectors, or on a vector and a scalar of the same type."""

    class Template(AbstractTemplate):
        key = operation

        def generic(self, args, kws):
            if len(args) != 2 or not any(isinstance(a, Vector) for a in args):
                return None
            vector = next(a for a in args if isinstance(a, Vector))
            if any((a if not isinstance(a, Vector) else a.dtype) != vector.dtype for a in args):
                return None
            return signature(Vector(types.boolean, vector.count) if compares else vector, *args)

    infer_global(operation)(Template)

    def lower(context, builder, signature, arguments):
        return emit(builder, *_widen(builder, arguments, signature.args))

    for kinds in ((Vector, Vector), (Vector, types.Float), (types.Float, Vector)):
        lower_builtin(operation, *kinds)(lower)


_define(operator.add, lambda builder, x, y: builder.fadd(x, y, flags=_FLAGS), False)
_define(operator.sub, lambda builder, x, y: builder.fsub(x, y, flags=_FLAGS), False)
_define(operator.mul, lambda builder, x, y: builder.fmul(x, y, flags=_FLAGS), False)
_define(operator.truediv, lambda builder, x, y: builder.fdiv(x, y, flags=_FLAGS), False)
_define(operator.lt, lambda builder, x, y: builder.fcmp_ordered("<", x, y), True)
_define(operator.gt, lambda builder, x, y: builder.fcmp_ordered(">", x, y), True)
_define(operator.le, lambda builder, x, y: builder.fcmp_ordered("<=", x, y), True)
_define(operator.eq, lambda builder, x, y: builder.icmp_signed("==", x, y), True)  # of whole numbers
_define(operator.ne, lambda builder, x, y: builder.fcmp_unordered("!=", x, y), True)


# ------------------------------------------------------------------------------------------------ memory


def _loading(size):
    """Make the intrinsic that loads a vector of so many bytes."""

    @intrinsic
    def load(typingctx, a, offset):
        vector = Vector(a.dtype, size * 8 // a.dtype.bitwidth)

        def codegen(context, builder, signature, arguments):
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            spot = builder.bitcast(builder.gep(data, [arguments[1]]), llvm_type(vector).as_pointer())
            return builder.load(spot, align=a.dtype.bitwidth // 8)

        return vector(a, types.intp), codegen

    return load


_load = _loading(LANES * 4)


def _storing(aligned, metadata):
    """Make the intrinsic that stores a vector, at any element or at a multiple of its size, with or without a hint."""

    @intrinsic
    def store(typingctx, a, offset, value):
        def codegen(context, builder, signature, arguments):
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            spot = builder.bitcast(builder.gep(data, [arguments[1]]), llvm_type(value).as_pointer())
            bits = a.dtype.bitwidth * (value.count if aligned else 1)
            instruction = builder.store(arguments[2], spot, align=bits // 8)
            for name in metadata:
                instruction.set_metadata(name, builder.module.add_metadata([ir.IntType(32)(1)]))
            return context.get_dummy_value()

        return types.void(a, types.intp, value), codegen

    return store


_store, _stream = _storing(False, ()), _storing(True, ("nontemporal",))


@intrinsic
def _finish_streams(typingctx):
    def codegen(context, builder, signature, arguments):
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), codegen


def _prefetching(level, write=0):
    """Make the intrinsic that asks for the cache line of an element, to be in the cache of that level."""

    @intrinsic
    def prefetch(typingctx, a, offset):
        def codegen(context, builder, signature, arguments):
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            number, byte = ir.IntType(32), ir.IntType(8).as_pointer()
            function = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
            function = cgutils.get_or_insert_function(builder.module, function, "llvm.prefetch.p0i8")
            spot = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
            builder.call(function, [spot, number(write), number(4 - level), number(1)])
            return context.get_dummy_value()

        return types.void(a, types.intp), codegen

    return prefetch


_to_first, _to_second, _to_write = _prefetching(1), _prefetching(2), _prefetching(1, write=1)


@jit.serial(inline=True)
def _load_compiled(a, offset):
    if jit.CHECK and (offset < 0 or offset + lanes_of(a) > a.size):
        raise IndexError("load: vector reaches outside its array")
    return _load(a, offset)


@jit.serial(inline=True)
def _store_compiled(a, offset, value):
    if jit.CHECK and (offset < 0 or offset + lanes_of(a) > a.size):
        raise IndexError("store: vector reaches outside its array")
    _store(a, offset, value)


@jit.serial(inline=True)
def _stream_compiled(a, offset, value):
    if jit.CHECK and (offset < 0 or offset % lanes_of(a) or offset + lanes_of(a) > a.size):
        raise IndexError("stream: vector reaches outside its array, or lies across two")
    _stream(a, offset, value)


def _load_plain(a, offset):
    return a.reshape(-1)[offset : offset + LANES * 4 // a.itemsize].copy()


def _store_plain(a, offset, value):
    a.reshape(-1)[offset : offset + LANES * 4 // a.itemsize] = value


@intrinsic
def _splat(typingctx, a, value):
    vector = Vector(a.dtype, LANES * 4 // (a.dtype.bitwidth // 8))

    def codegen(context, builder, signature, arguments):
        return _repeat(builder, arguments[1], vector.count)

    return vector(a, a.dtype), codegen


def _splat_plain(a, value):
    return np.full(LANES * 4 // a.itemsize, value, a.dtype)


load, store = (_load_plain, _store_plain) if jit.DISABLED else (_load_compiled, _store_compiled)
stream, finish_streams = (_store_plain, lambda: None) if jit.DISABLED else (_stream_compiled, _finish_streams)
"""stream(a, i, x): a store that leaves the caches alone, where `a` begins at a multiple of 64 bytes and i is one of a
vector: no line is read in order to be written. Other cores see it after finish_streams()."""
splat = _splat_plain if jit.DISABLED else _splat
"""splat(a, value): a vector such as `load(a, i)` gives, with `value` in every lane."""


# A sum of products goes into the lanes of a block, the same on every machine, however many of its vectors that takes.
BLOCK = 256  # bytes: 64 float32, which are four vectors of AVX-512


_load_block = _loading(BLOCK)


def _folding(combine):
    """Make the intrinsic that combines the lanes of a vector: the second half with the first, and so on."""

    @intrinsic
    def fold(typingctx, x):
        def codegen(context, builder, signature, arguments):
            (total,), count = arguments, x.count
            while count > 1:
                count //= 2
                whole = [list(range(i, i + count)) for i in (0, count)]
                halves = [ir.Constant(ir.VectorType(ir.IntType(32), count), half) for half in whole]
                total = combine(builder, *[builder.shuffle_vector(total, total, half) for half in halves])
            return builder.extract_element(total, ir.IntType(32)(0))

        return x.dtype(x), codegen

    return fold


_sum_lanes = _folding(lambda builder, x, y: builder.fadd(x, y, flags=_FLAGS))
_max_lanes = _folding(lambda builder, x, y: builder.select(builder.fcmp_ordered(">", y, x), y, x))


@jit.serial(inline=True)
def _load_block_compiled(a, offset):
    if jit.CHECK and (offset < 0 or offset + BLOCK // a.itemsize > a.size):
        raise IndexError("load_block: block reaches outside its array")
    return _load_block(a, offset)


def _load_block_plain(a, offset):
    return a.reshape(-1)[offset : offset + BLOCK // a.itemsize].copy()


def _sum_lanes_plain(x):
    while x.size > 1:
        x = x[: x.size // 2] + x[x.size // 2 :]
    return x[0]


def _max_lanes_plain(x):
    while x.size > 1:
        low, high = x[: x.size // 2], x[x.size // 2 :]
        x = np.where(high > low, high, low)
    return x[0]


load_block, sum_lanes = (_load_block_plain, _sum_lanes_plain) if jit.DISABLED else (_load_block_compiled, _sum_lanes)
"""load_block(a, i): the elements from flat offset i on, a block of them. sum_lanes(x): the sum of its lanes."""
max_lanes = _max_lanes_plain if jit.DISABLED else _max_lanes
"""max_lanes(x): the largest lane of a vector; where some are NaN, that or the largest of some others."""


@jit.serial
def _fetch_compiled(a, offset, count):
    i = 0
    while i < count:
        _to_first(a, offset + i)
        i += 16 // LANES * lanes_of(a)  # to the next line of 64 bytes


@jit.serial
def _fetch_early_compiled(a, offset, count):
    i = 0
    while i < count:
        _to_second(a, offset + i)
        i += 16 // LANES * lanes_of(a)  # to the next line of 64 bytes


def _fetch_plain(a, offset, count):
    pass


fetch, fetch_early = (_fetch_plain, _fetch_plain) if jit.DISABLED else (_fetch_compiled, _fetch_early_compiled)
"""fetch(a, i, n): have the cache lines of n elements from flat offset i on fetched, without waiting for them.
fetch_early(a, i, n): likewise, but only as far as the second-level cache, which waits for more lines at once than the
first. For rows that lie anywhere in memory: many of them early, and each once more shortly before it is needed."""


def _fetch_line_plain(a, offset):
    pass


fetch_line, fetch_line_to_write = (_fetch_line_plain,) * 2 if jit.DISABLED else (_to_first, _to_write)
"""fetch_line(a, i): have the cache line of one element fetched. fetch_line_to_write(a, i): to be written, which saves
asking other cores for it later. Either may lie beyond the end of the array: that has no effect."""


# ------------------------------------------------------------------------------------------------ scalars and vectors


@intrinsic
def _select(typingctx, condition, x, y):
    kind = x if isinstance(x, Vector) else y
    if not isinstance(kind, Vector) and isinstance(condition, Vector):
        kind = Vector(kind, condition.count)

    def codegen(context, builder, signature, arguments):
        if isinstance(kind, Vector):
            values = [
                a if isinstance(t, Vector) else _repeat(builder, a, kind.count)
                for a, t in zip(arguments[1:], signature.args[1:], strict=True)
            ]
        else:
            values = arguments[1:]
        return builder.select(arguments[0], *values)

    return kind(condition, x, y), codegen


@intrinsic
def _round(typingctx, x):
    def codegen(context, builder, signature, arguments):
        kind = llvm_type(x)
        bits = (x.dtype if isinstance(x, Vector) else x).bitwidth
        suffix = f"v{x.count}f{bits}" if isinstance(x, Vector) else f"f{bits}"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), f"llvm.rint.{suffix}")
        return builder.call(function, arguments)

    return x(x), codegen


@intrinsic
def _copysign(typingctx, x, sign):
    def codegen(context, builder, signature, arguments):
        kind = llvm_type(x)
        suffix = f"v{x.count}f{x.dtype.bitwidth}" if isinstance(x, Vector) else f"f{x.bitwidth}"
        name, function = f"llvm.copysign.{suffix}", ir.FunctionType(kind, [kind, kind])
        return builder.call(cgutils.get_or_insert_function(builder.module, function, name), arguments)

    return x(x, x), codegen


@intrinsic
def _power_of_two(typingctx, n):
    bits = (n.dtype if isinstance(n, Vector) else n).bitwidth
    bias, mantissa = (127, 23) if bits == 32 else (1023, 52)

    def codegen(context, builder, signature, arguments):
        kind, repeat = ir.IntType(bits), None
        if isinstance(n, Vector):
            kind, repeat = ir.VectorType(kind, n.count), n.count

        def constant(value):
            return ir.Constant(kind, [value] * repeat if repeat else value)

        shifted = builder.shl(builder.add(builder.fptosi(arguments[0], kind), constant(bias)), constant(mantissa))
        return builder.bitcast(shifted, llvm_type(n))

    return n(n), codegen


@intrinsic
def _exponent_of_low_bits(typingctx, x):
    bits = (x.dtype if isinstance(x, Vector) else x).bitwidth
    mantissa = 23 if bits == 32 else 52

    def codegen(context, builder, signature, arguments):
        kind, places = ir.IntType(bits), mantissa
        if isinstance(x, Vector):
            kind, places = ir.VectorType(kind, x.count), [mantissa] * x.count
        shifted = builder.shl(builder.bitcast(arguments[0], kind), ir.Constant(kind, places))
        return builder.bitcast(shifted, llvm_type(x))

    return x(x), codegen


def _exponent_of_low_bits_plain(x):
    whole, mantissa = (np.int32, 23) if x.itemsize == 4 else (np.int64, 52)
    return np.left_shift(np.asarray(x).view(whole), whole(mantissa)).view(x.dtype)[()]


def _power_of_two_plain(n):
    return np.ldexp(np.ones_like(n), np.asarray(n).astype(np.int32))[()]


def _select_plain(condition, x, y):
    return np.where(condition, x, y)[()]


select = _select_plain if jit.DISABLED else _select
"""select(condition, x, y): x where the condition holds, else y, without a branch."""
round_half_even = np.rint if jit.DISABLED else _round
"""round_half_even(x): the nearest whole number, as a float."""
copysign = np.copysign if jit.DISABLED else _copysign
"""copysign(x, sign): the magnitude of x with the sign of `sign`, -0.0 included."""
exponent_of_low_bits = _exponent_of_low_bits_plain if jit.DISABLED else _exponent_of_low_bits
"""exponent_of_low_bits(x): the number whose exponent bits are the lowest bits of x; its other bits are 0."""
power_of_two = _power_of_two_plain if jit.DISABLED else _power_of_two
"""power_of_two(n): 2 ** n for a whole float n within the normal range of exponents."""
