"""A block of as many rows as a vector has lanes, turned in registers: what packing a transposed matrix is made of."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import jit
from .simd import LANES, lanes_of
from .vector import Vector, llvm_type


def _transposing(limited):
    """Make the intrinsic that turns a block, all rows of it or, `limited`, the first ones."""

    @intrinsic
    def turn(typingctx, a, a0, a_row, rows, b, b0, b_row):
        bits = a.dtype.bitwidth
        count = LANES * 32 // bits
        vector, zeros = llvm_type(Vector(a.dtype, count)), [0.0] * count
        intp = ir.IntType(64)

        def codegen(context, builder, signature, arguments):
            def spot(place, array, start):
                data = context.make_array(signature.args[place])(context, builder, array).data
                return builder.bitcast(builder.gep(data, [start]), vector.as_pointer())

            a, a0, a_row, limit, b, b0, b_row = arguments
            rows = []
            for i in range(count):
                step = builder.mul(a_row, intp(i))
                there = builder.icmp_signed("<", intp(i), limit)
                start = builder.add(a0, builder.select(there, step, intp(0)) if limited else step)
                row = builder.load(spot(0, a, start), align=bits // 8)
                rows.append(builder.select(there, row, ir.Constant(vector, zeros)) if limited else row)
            # Swap ever smaller off-diagonal blocks: halves, quarters, ... until single elements have changed places.
            width = count // 2
            while width:
                keep = [i if not i & width else count + i - width for i in range(count)]
                other = [i + width if not i & width else count + i for i in range(count)]
                masks = [ir.Constant(ir.VectorType(ir.IntType(32), count), mask) for mask in (keep, other)]
                for i in range(count):
                    if not i & width:
                        pair = rows[i], rows[i + width]
                        rows[i], rows[i + width] = (builder.shuffle_vector(*pair, mask) for mask in masks)
                width //= 2
            for i, row in enumerate(rows):
                builder.store(row, spot(4, b, builder.add(b0, builder.mul(b_row, intp(i)))), align=bits // 8)
            return context.get_dummy_value()

        return types.void(a, types.intp, types.intp, types.intp, b, types.intp, types.intp), codegen

    return turn


_transpose, _transpose_some = _transposing(False), _transposing(True)


@jit.serial
def _transpose_compiled(a, a0, a_row, rows, b, b0, b_row):
    lanes = lanes_of(a)
    reach_a, reach_b = a0 + (rows - 1) * a_row + lanes, b0 + (lanes - 1) * b_row + lanes
    if jit.CHECK and (a0 < 0 or b0 < 0 or reach_a > a.size or reach_b > b.size):
        raise IndexError("transpose: block reaches outside its array")
    if rows == lanes:
        _transpose(a, a0, a_row, rows, b, b0, b_row)
    else:
        _transpose_some(a, a0, a_row, rows, b, b0, b_row)


def _transpose_plain(a, a0, a_row, rows, b, b0, b_row):
    a, b, lanes = a.reshape(-1), b.reshape(-1), LANES * 4 // a.itemsize
    for i in range(lanes):
        for j in range(lanes):
            b[b0 + j * b_row + i] = a[a0 + i * a_row + j] if i < rows else 0


transpose = _transpose_plain if jit.DISABLED else _transpose_compiled
"""transpose(a, a0, a_row, rows, b, b0, b_row): b[b0 + j * b_row + i] = a[a0 + i * a_row + j], a block of lanes x lanes;
of the rows of `a` there are `rows`, from 1 to lanes, and zeros take the place of the others."""
