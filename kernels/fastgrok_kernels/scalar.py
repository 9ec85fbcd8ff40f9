"""exp, tanh, sigmoid, erf, log and log1p, written so that the compiler vectorises the loops that call them.

Numba calls the C library for these, one element at a time. The functions here are plain arithmetic, and a choice is a
select rather than a branch, so LLVM turns a loop over `y[i] = tanh(x[i])` into vector instructions. In compiled code

    from .scalar import erf, exp, log, sigmoid, tanh

means the float32 or the float64 body, by the type of the argument; all but `log` and `log1p` also take the vectors of
vector.py. With JIT off they are functions of NumPy scalars. NaN gives NaN, and infinities, zeros, overflow and denormal
numbers give what the exact function gives. float32 is within 4 ulp of the exact result for every input, float64 within
2 ulp on samples (tests/kernels/test_scalar.py).

The tables come from kernels/fit_scalar.py. The forms are classic: the reduction of exp is Cody and Waite's (1980), log
goes through s = f/(2+f) as in FreeBSD's msun, tanh through expm1, and erf, beyond the neighbourhood of zero, through
the logarithm of what it lacks to 1, which is nearly a polynomial.
"""

import numpy as np
from numba.core import types
from numba.extending import overload

from . import jit, pipeline
from .vector import Vector, copysign, exponent_of_low_bits, power_of_two, round_half_even, select

__all__ = ["erf", "exp", "exp_below_one", "log", "log1p", "log1p_unit", "sigmoid", "tanh", "to_ordered"]

# ---------------------------------------------------------------------------------------------------- fitted tables

# e^r = 1 + r + r^2 (EXP[0] + EXP[1] r + ...) on |r| <= ln(2)/2
EXP32 = (
    np.float32(0.4999999403953552),
    np.float32(0.16666516661643982),
    np.float32(0.04166810214519501),
    np.float32(0.00836919341236353),
    np.float32(0.0013838926097378135),
)
EXP64 = (
    np.float64(0.5000000000000011),
    np.float64(0.16666666666666155),
    np.float64(0.04166666666652262),
    np.float64(0.00833333333367344),
    np.float64(0.001388888894624725),
    np.float64(0.00019841269094254544),
    np.float64(2.4801489889525337e-05),
    np.float64(2.7557972769775122e-06),
    np.float64(2.7631545765868454e-07),
    np.float64(2.4873390224034807e-08),
)
# log((1 + s) / (1 - s)) = 2s + s z (LOG[0] + LOG[1] z + ...), z = s^2, on |s| <= 3 - sqrt(8)
LOG32 = (
    np.float32(0.6666677594184875),
    np.float32(0.3997758626937866),
    np.float32(0.29870694875717163),
)
LOG64 = (
    np.float64(0.6666666666666734),
    np.float64(0.3999999999941706),
    np.float64(0.2857142874188889),
    np.float64(0.22222198622084996),
    np.float64(0.18183561879533808),
    np.float64(0.15314111099377292),
    np.float64(0.14795361739191257),
)
# erf(x) = x + x (ERF[0] + ERF[1] z + ...), z = x^2, on |x| < ERF_SPLIT; beyond it 1 - e^-(ERFC[0] + ERFC[1] x + ...)
ERF_SPLIT = 0.84375
ERF32 = (
    np.float32(0.12837916612625122),
    np.float32(-0.37612593173980713),
    np.float32(0.11282911896705627),
    np.float32(-0.026809535920619965),
    np.float32(0.0050618816167116165),
    np.float32(-0.000637496414128691),
)
ERF64 = (
    np.float64(0.1283791670955126),
    np.float64(-0.37612638903184165),
    np.float64(0.11283791670977801),
    np.float64(-0.026866170650007515),
    np.float64(0.00522397767928651),
    np.float64(-0.000854833049300495),
    np.float64(0.0001205547224902077),
    np.float64(-1.4929231741471326e-05),
    np.float64(1.6520952666487466e-06),
    np.float64(-1.69584307499492e-07),
    np.float64(1.8058113286176472e-08),
    np.float64(-1.866517214665822e-09),
)
ERFC32 = (
    np.float32(9.782154666027054e-05),
    np.float32(1.1280901432037354),
    np.float32(0.636467456817627),
    np.float32(0.10457319021224976),
    np.float32(-0.022542810067534447),
    np.float32(0.003124051494523883),
    np.float32(-0.0002043331041932106),
)
ERFC64 = (
    np.float64(-9.64840498543452e-09),
    np.float64(1.1283793076684343),
    np.float64(0.6366188163564084),
    np.float64(0.10277664612033628),
    np.float64(-0.019140388468669747),
    np.float64(-0.00018297178960243666),
    np.float64(0.0016517393448282108),
    np.float64(-0.0005304618769197856),
    np.float64(-3.845038623281972e-05),
    np.float64(0.00012070007267323342),
    np.float64(-6.95843563145339e-05),
    np.float64(2.6172095921625202e-05),
    np.float64(-7.380058044830841e-06),
    np.float64(1.6191248580582522e-06),
    np.float64(-2.7752806106455935e-07),
    np.float64(3.66258120362916e-08),
    np.float64(-3.6020455934522226e-09),
    np.float64(2.4882420347931674e-10),
    np.float64(-1.0772126349933633e-11),
    np.float64(2.1981900368714627e-13),
)
# ln(2) in two parts; the product of the first with any exponent is exact
LN2_32 = (np.float32(0.693145751953125), np.float32(1.428606765330187e-06))
LN2_64 = (np.float64(0.6931471805598903), np.float64(5.497923018708371e-14))


# ---------------------------------------------------------------------------------------------------- bodies


# Numba wants the type spelled out before `.view`, so each format has its own pair: the bits of a number, and back.
@jit.serial(inline=True)
def _bits32(x):
    return np.float32(x).view(np.int32)


@jit.serial(inline=True)
def _number32(bits):
    return np.int32(bits).view(np.float32)


@jit.serial(inline=True)
def _bits64(x):
    return np.float64(x).view(np.int64)


@jit.serial(inline=True)
def _number64(bits):
    return np.int64(bits).view(np.float64)


def _log1p_unit(real, table):
    """The function log1p_unit for one number format, of scalars and of vectors."""
    zero, half, one, two, ln2 = real(0), real(0.5), real(1), real(2), real(np.log(2))
    split = real(np.sqrt(2) - 1)
    last, *others = reversed(table)
    others = tuple(others)

    def log1p_unit(z):
        # 1 + z = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)], from where on it is as in `log`.
        f = select(z > split, half * (z - one), z)
        s = f / (two + f)
        square = s * s
        q = last
        for c in others:
            q = q * square + c
        h = half * f * f
        return select(z > split, ln2, zero * z) + (f - (h - s * (h + square * q)))

    return {"log1p_unit": log1p_unit}


def _exponentials(real, mantissa, exp_range, tanh_end, erf_end, table, erf_table, erfc_table, ln2_parts, careful):
    """The functions exp, tanh, sigmoid and erf for one number format, of scalars and of vectors.

    `real` is the float type, `mantissa` the number of stored bits of its mantissa, `exp_range` where exp is 0 and where
    it is infinite, `tanh_end` and `erf_end` where these functions round to 1. `careful` takes a longer way that rounds
    less: float64 needs it to stay within 2 ulp, float32 has 4.
    """
    zero, half, one, two, six = real(0), real(0.5), real(1), real(2), real(6)
    ln2_high, ln2_low = ln2_parts
    ln2, log2_e = real(np.log(2)), real(1 / np.log(2))
    exp_low, exp_high, tanh_end = real(exp_range[0]), real(exp_range[1]), real(tanh_end)
    last, before_last, *others = reversed(table)
    others = tuple(others)
    erf_end, erf_split = real(erf_end), real(ERF_SPLIT)
    erf_last, erf_before, *erf_others = reversed(erf_table)
    erfc_last, erfc_before, *erfc_others = reversed(erfc_table)
    erf_others, erfc_others = tuple(erf_others), tuple(erfc_others)
    lift = mantissa + 7
    unlift = real(2.0**-lift)
    # Added to a number, these round it to a whole one and leave that, plus the bias of exponents, and plus lift, in the
    # lowest bits.
    to_exponent = real(1.5 * 2.0**mantissa + (np.finfo(real).maxexp - 1))
    to_lifted = real(to_exponent + lift)

    @jit.serial(inline=True)
    def expm1_without(x, n):
        """(r, t), where x = n ln(2) + r for a whole n, and e^r - 1 = r + t."""
        high, low = x - n * ln2_high, n * ln2_low
        r = high - low
        q = last * r + before_last
        for c in others:
            q = q * r + c
        t = r * r * q
        if careful:
            t = t + ((high - r) - low)
        return r, t

    @jit.serial(inline=True)
    def reduced_expm1(x):
        """(r, t, n), where x = n ln(2) + r and e^r - 1 = r + t."""
        n = round_half_even(x * log2_e)
        r, t = expm1_without(x, n)
        return r, t, n

    def exp(x):
        x = select(x < exp_low, exp_low, x)
        x = select(x > exp_high, exp_high, x)
        r, t, n = reduced_expm1(x)
        # In two steps, since 2^n itself may overflow or be denormal where the result is an ordinary number.
        first = round_half_even(n * half)
        return (one + (r + t)) * power_of_two(first) * power_of_two(n - first)

    @jit.serial(inline=True)
    def small_exp(x):  # what `exp_below_one` is and `sigmoid` uses
        x = select(x < exp_low, exp_low, x)
        shifted = x * log2_e + to_lifted
        r, t = expm1_without(x, shifted - to_lifted)
        # One coefficient less saves 2 to 7 % of a softmax, but errs by five times as much.
        # 2^-lift e^r and 2^(n + lift) are ordinary numbers, even where their product is a denormal one.
        return (unlift + (r + t) * unlift) * exponent_of_low_bits(shifted)

    def exp_below_one(x):
        return small_exp(x)

    def tanh(x):
        h = select(x < zero, zero - x, x)
        h = select(h > tanh_end, tanh_end, h)
        shifted = (h + h) * log2_e + to_exponent
        n, scale = shifted - to_exponent, exponent_of_low_bits(shifted)
        r, t = expm1_without(h + h, n)
        grown = scale - one
        u = scale * (r + t) + grown
        y = u / (u + two)  # u = e^(2h) - 1
        if careful:
            # Written as a distance from h or from 1 it loses fewer bits: with 2h = n ln(2) + r,
            # u - 2h = (2^n - 1) r + 2^n t + (2^n - 1 - n ln(2)).
            near = grown * r + scale * t + (grown - n * ln2) - h * u
            base = select(n < two, h, select(u < six, zero * h, one))
            y = base + select(n < two, near, select(u < six, u, zero * h - two)) / (u + two)
        return copysign(y, x)

    def sigmoid(x):
        # With z = e^-|x| and w = z/(1+z): 1 - w right of zero and z - zw left of it, both without overflow.
        z = small_exp(select(x < zero, x, zero - x))
        a = select(x < zero, z, one)
        return a - a * (z / (one + z))

    def erf(x):
        h = select(x < zero, zero - x, x)
        h = select(h > erf_end, erf_end, h)
        z = h * h
        near = erf_last * z + erf_before
        for c in erf_others:
            near = near * z + c
        lack = erfc_last * h + erfc_before
        for c in erfc_others:
            lack = lack * h + c
        r, t, n = reduced_expm1(zero - lack)
        return copysign(select(h < erf_split, h + h * near, one - (one + (r + t)) * power_of_two(n)), x)

    return {"exp": exp, "exp_below_one": exp_below_one, "tanh": tanh, "sigmoid": sigmoid, "erf": erf}


def _by_bits(real, whole, bits_of, number, mantissa, table, ln2_parts):
    """The functions that look at the bits of a number: log, log1p and to_ordered, of scalars.

    `whole` is the integer type as wide as `real`; `bits_of` and `number` convert without changing bits.
    """

    def bits(value):  # of a constant, in Python: `bits_of` would be compiled whenever this module is loaded
        return real(value).view(whole)

    zero, half, one, two = real(0), real(0.5), real(1), real(2)
    infinity, nan = real(np.inf), real(np.nan)
    ln2_high, ln2_low = ln2_parts
    last, *others = reversed(table)
    others = tuple(others)
    mantissa_bits, root_bits = whole((1 << mantissa) - 1), bits(np.sqrt(0.5))
    root_offset = whole(bits(one) - root_bits)
    smallest_normal, denormal_scale = np.finfo(real).tiny, real(2.0**mantissa)
    # Or-ing a small integer into the bits of 2^mantissa gives 2^mantissa + integer, without a conversion instruction.
    integer_bits = bits(2.0**mantissa)
    normal_bias = real(2.0**mantissa + (bits(one) >> mantissa))
    denormal_bias = real(normal_bias + mantissa)
    sign_shift, magnitude_bits = 8 * np.dtype(whole).itemsize - 1, whole(np.iinfo(whole).max)

    @jit.serial(inline=True)
    def logarithm(x, bias, rest):
        """log(x) + rest, x positive and no denormal number; exponents are counted from `bias` on, rests are tiny."""
        # (exponent, mantissa) counted from sqrt(1/2), so that x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
        pattern = whole(bits_of(x) + root_offset)  # else 64 bits, which is slower
        k = number((pattern >> mantissa) | integer_bits) - bias
        f = number((pattern & mantissa_bits) + root_bits) - one
        s = f / (two + f)
        z = s * s
        q = last
        for c in others:
            q = q * z + c
        h = half * f * f
        return k * ln2_high - ((h - (s * (h + z * q) + (k * ln2_low + rest))) - f)

    def log(x):
        denormal = x < smallest_normal
        y = logarithm(x * denormal_scale if denormal else x, denormal_bias if denormal else normal_bias, zero)
        y = y if x < infinity else x  # infinity and NaN
        y = y if x != zero else -infinity
        return nan if x < zero else y

    def log1p(x):
        u = one + x
        y = logarithm(u, normal_bias, (x - (u - one)) / u)  # with what rounding has taken from u, x - (u - 1)
        y = y if x < infinity and x != zero else x  # infinity, NaN and the sign of zero
        y = y if u != zero else -infinity
        return nan if u < zero else y

    def to_ordered(x):
        bits = bits_of(x)
        return whole(bits ^ ((bits >> sign_shift) & magnitude_bits))

    return {"log": log, "log1p": log1p, "to_ordered": to_ordered}


_BODIES = {
    32: _exponentials(np.float32, 23, (-104, 89), 10, 4, EXP32, ERF32, ERFC32, LN2_32, careful=False)
    | _log1p_unit(np.float32, LOG32)
    | _by_bits(np.float32, np.int32, _bits32, _number32, 23, LOG32, LN2_32),
    64: _exponentials(np.float64, 52, (-746, 710), 20, 6, EXP64, ERF64, ERFC64, LN2_64, careful=True)
    | _log1p_unit(np.float64, LOG64)
    | _by_bits(np.float64, np.int64, _bits64, _number64, 52, LOG64, LN2_64),
}
_FORMATS = {types.float32: 32, types.float64: 64, types.int32: 32, types.int64: 64}
_FLAGS = {"error_model": "numpy", "fastmath": set(jit.FASTMATH), "forceinline": True}
if pipeline.KNOWN:
    _FLAGS["pipeline_class"] = pipeline.Whole


def _by_dtype(function):
    """Let `function` stand for the body of its name: chosen while compiling, or at run time where JIT is off."""
    name = function.__name__

    @overload(function, jit_options=_FLAGS, strict=False)
    def choose(x):
        kind = x.dtype if isinstance(x, Vector) else x
        return _BODIES[_FORMATS[kind]][name] if kind in _FORMATS else None

    return function


@_by_dtype
def exp(x):
    """e^x, of a float32 or float64 scalar."""
    return _body("exp", x)(x)


@_by_dtype
def exp_below_one(x):
    """e^x, of a float32 or float64 scalar that is at most 1: quicker than `exp`, as nothing can overflow."""
    return _body("exp_below_one", x)(x)


@_by_dtype
def tanh(x):
    """The hyperbolic tangent of a float32 or float64 scalar."""
    return _body("tanh", x)(x)


@_by_dtype
def sigmoid(x):
    """1 / (1 + e^-x), of a float32 or float64 scalar."""
    return _body("sigmoid", x)(x)


@_by_dtype
def erf(x):
    """The error function, 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x, of a float32 or float64 scalar."""
    return _body("erf", x)(x)


@_by_dtype
def log(x):
    """The natural logarithm of a float32 or float64 scalar."""
    return _body("log", x)(x)


@_by_dtype
def log1p(x):
    """log(1 + x), of a float32 or float64 scalar, exact also where x is tiny."""
    return _body("log1p", x)(x)


@_by_dtype
def log1p_unit(z):
    """log(1 + z), of a float32 or float64 scalar from 0 to 1."""
    return _body("log1p_unit", z)(z)


@_by_dtype
def to_ordered(x):
    """The integer of the same width that compares as the float does; NaN sorts beyond the infinity of its sign.

    The compiler vectorises a maximum of integers, but not of floats that may be NaN.
    """
    return _body("to_ordered", x)(x)


def _body(name, x):
    return _BODIES[8 * x.itemsize][name]
