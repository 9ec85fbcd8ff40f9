"""One register tile: C[MR, NR] += A[MR, K] @ B[K, NR], kept in vector registers and emitted as LLVM vectors.

Everything that multiplies matrices in this package composes this tile. A compiler's own vectorisation of the three
loops reaches a fifth of the machine; holding MR x NR sums in registers, so that each load of A and B is used many
times, reaches nearly all of it (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008).

Every sum is one chain of fused multiply-adds over k, in order, whichever tile computes it. Rows and columns can
therefore be cut anywhere, between tiles or threads, without changing a bit of the result.

Operands are C-contiguous arrays with flat offsets and strides, counted in elements:

    A[i, k] = a[a0 + i * a_row + k * a_k]       B[k, j] = b[b0 + k * b_k + j]       C[i, j] = c[c0 + i * c_row + j]

A may consist of several blocks of K columns, `a_block` elements apart, while the rows of B just go on: this is how the
gates of a recurrent layer are stored (gates.py).
"""

import platform

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, registry
from numba.extending import intrinsic

from . import jit


def _target_features() -> str:
    """The CPU features that Numba compiles for; NUMBA_CPU_NAME and NUMBA_CPU_FEATURES steer them."""
    return registry.cpu_target.target_context.codegen()._tm_features


def _choose(features: str) -> tuple[int, int, bool]:
    """(float32 lanes of a vector, rows of the tile, whether multiply-adds are fused) for a feature string."""
    on = {feature[1:] for feature in features.split(",") if feature.startswith("+")}
    if "avx512f" in on:
        return 16, 8, True  # 16 of 32 registers hold sums
    if "avx2" in on and "fma" in on:
        return 8, 6, True  # 12 of 16
    arm = platform.machine().lower() in ("arm64", "aarch64")
    return 4, 8 if arm else 6, arm


LANES, ROWS, FUSED = _choose("") if jit.DISABLED else _choose(_target_features())
VECTORS = 2  # vectors across a tile
PANEL_BYTES = 4 * LANES * VECTORS
PANEL = {np.dtype(np.float32): LANES * VECTORS, np.dtype(np.float64): LANES * VECTORS // 2}


def panel_width(dtype) -> int:
    """NR, the number of columns of a full tile and of a packed panel of B; `dtype` is an `np.dtype`."""
    return PANEL[dtype]


@intrinsic
def _lanes_of(typingctx, a):
    def codegen(context, builder, signature, arguments):
        return context.get_constant(types.intp, LANES * 32 // a.dtype.bitwidth)

    return types.intp(a), codegen


lanes_of = (lambda a: LANES * 4 // a.itemsize) if jit.DISABLED else _lanes_of
"""lanes_of(a), in compiled code: how many elements of an array a vector has. Numba reads `a.itemsize` from the array,
so to divide by it takes 5 ns at run time, which count where every row spends them."""


def _tile(rows: int, vectors: int, masked: bool):
    """Make the intrinsic for a tile of `rows` by `vectors` vectors; a masked one touches `columns` columns of C."""

    @intrinsic
    def tile(typingctx, a, a0, a_row, a_k, a_block, b, b0, b_k, c, c0, c_row, below, blocks, k, columns, accumulate):
        size = 4 if c.dtype == types.float32 else 8
        lanes = LANES * 4 // size
        scalar = ir.FloatType() if size == 4 else ir.DoubleType()
        vector = ir.VectorType(scalar, lanes)
        int32, intp = ir.IntType(32), ir.IntType(64)
        signature = types.void(a, *[types.intp] * 4, b, *[types.intp] * 2, c, *[types.intp] * 6, types.boolean)

        def codegen(context, builder, signature, arguments):
            a, a0, a_row, a_k, a_block, b, b0, b_k, c, c0, c_row, below, blocks, k, columns, accumulate = arguments

            def pointer(position, array, offset):
                data = context.make_array(signature.args[position])(context, builder, array).data
                return builder.gep(builder.bitcast(data, scalar.as_pointer()), [offset])

            def external(name, result, operands):
                return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, operands), name)

            suffix = f"v{lanes}f{size * 8}"
            fma = external(f"llvm.{'fma' if FUSED else 'fmuladd'}.{suffix}", vector, [vector] * 3)
            mask_type = ir.VectorType(ir.IntType(1), lanes)
            zero = ir.Constant(vector, [0.0] * lanes)
            splat = ir.Constant(ir.VectorType(int32, lanes), [0] * lanes)
            undefined = ir.Constant(vector, ir.Undefined)
            vector_pointer = vector.as_pointer()

            def broadcast(value):
                return builder.shuffle_vector(builder.insert_element(undefined, value, int32(0)), undefined, splat)

            a_rows = [pointer(0, a, builder.add(a0, builder.mul(a_row, intp(i)))) for i in range(rows)]
            c_rows = [pointer(8, c, builder.add(c0, builder.mul(c_row, intp(i)))) for i in range(rows)]
            b_base = pointer(5, b, b0)
            spots = [
                [builder.bitcast(builder.gep(row, [intp(v * lanes)]), vector_pointer) for v in range(vectors)]
                for row in c_rows
            ]
            sums = [[cgutils.alloca_once(builder, vector) for _ in range(vectors)] for _ in range(rows)]

            if masked:
                index = ir.VectorType(intp, lanes)
                wide = builder.shuffle_vector(
                    builder.insert_element(ir.Constant(index, ir.Undefined), columns, int32(0)),
                    ir.Constant(index, ir.Undefined),
                    splat,
                )
                masks = [
                    builder.icmp_signed("<", ir.Constant(index, [v * lanes + lane for lane in range(lanes)]), wide)
                    for v in range(vectors)
                ]
                masked_load = external(
                    f"llvm.masked.load.{suffix}.p0", vector, [vector_pointer, int32, mask_type, vector]
                )
                masked_store = external(
                    f"llvm.masked.store.{suffix}.p0", ir.VoidType(), [vector, vector_pointer, int32, mask_type]
                )

            with builder.if_else(accumulate) as (then, otherwise):
                with then:
                    for i in range(rows):
                        for v in range(vectors):
                            if masked:
                                value = builder.call(masked_load, [spots[i][v], int32(size), masks[v], zero])
                            else:
                                value = builder.load(spots[i][v], align=size)
                            builder.store(value, sums[i][v])
                with otherwise:
                    for i in range(rows):
                        for v in range(vectors):
                            builder.store(zero, sums[i][v])

            # The sums of the tile `below`, so many elements on, are fetched meanwhile: in a large C they lie pages
            # apart, far from the core. None (0) beyond the last whole tile: they may be another thread's.
            prefetch = external("llvm.prefetch.p0", ir.VoidType(), [scalar.as_pointer(), int32, int32, int32])
            for row in c_rows:
                builder.call(prefetch, [builder.gep(row, [below]), int32(1), int32(3), int32(1)])

            with cgutils.for_range(builder, blocks, intp=intp) as outer:
                a_offset = builder.mul(outer.index, a_block)
                b_offset = builder.mul(builder.mul(outer.index, k), b_k)
                with cgutils.for_range(builder, k, intp=intp) as inner:
                    b_row = builder.gep(b_base, [builder.add(b_offset, builder.mul(inner.index, b_k))])
                    a_column = builder.add(a_offset, builder.mul(inner.index, a_k))
                    row = [
                        builder.load(builder.bitcast(builder.gep(b_row, [intp(v * lanes)]), vector_pointer), align=size)
                        for v in range(vectors)
                    ]
                    for i in range(rows):
                        value = broadcast(builder.load(builder.gep(a_rows[i], [a_column])))
                        for v in range(vectors):
                            builder.store(builder.call(fma, [value, row[v], builder.load(sums[i][v])]), sums[i][v])

            for i in range(rows):
                for v in range(vectors):
                    value = builder.load(sums[i][v])
                    if masked:
                        builder.call(masked_store, [value, spots[i][v], int32(size), masks[v]])
                    else:
                        builder.store(value, spots[i][v], align=size)
            return context.get_dummy_value()

        return signature, codegen

    return tile


_full = _tile(ROWS, VECTORS, False)
_full4 = _tile(4, VECTORS, False)
_full2 = _tile(2, VECTORS, False)
_full1 = _tile(1, VECTORS, False)
_edge = _tile(ROWS, 1, True)
_edge4 = _tile(4, 1, True)
_edge1 = _tile(1, 1, True)


@jit.serial
def _outside(first, row, rows, step, count, width, size):
    """Whether any element first + i * row + k * step + j lies outside an array of `size` elements."""
    last = first + (rows - 1) * row + (count - 1) * step + width - 1
    return first < 0 or last >= size


@jit.serial
def _panel_compiled(a, a0, a_row, a_k, a_block, b, b0, b_k, c, c0, c_row, rows, blocks, k, columns, accumulate):
    lanes = lanes_of(c)
    if jit.CHECK and rows > 0 and columns > 0:
        if blocks > 0 and k > 0:
            furthest = a0 + (blocks - 1) * a_block
            if _outside(a0, a_row, rows, a_k, k, 1, a.size) or _outside(furthest, a_row, rows, a_k, k, 1, a.size):
                raise IndexError("tile: A reaches outside its array")
            vectors_wide = (columns + lanes - 1) // lanes * lanes
            if _outside(b0, 0, 1, b_k, blocks * k, vectors_wide, b.size):
                raise IndexError("tile: B reaches outside its array")
        if _outside(c0, c_row, rows, 0, 1, columns, c.size):
            raise IndexError("tile: C reaches outside its array")
    # fmt: off
    if columns == VECTORS * lanes:
        # Two rows left over would wait for their own sums, not for the arithmetic: two tiles of four take their place.
        split = rows > ROWS and rows % ROWS == 2 and ROWS == 6
        i, whole = 0, rows - 8 if split else rows
        while i + ROWS <= whole:
            below = ROWS * c_row if i + 2 * ROWS <= rows else 0
            _full(a, a0 + i * a_row, a_row, a_k, a_block, b, b0, b_k,
                  c, c0 + i * c_row, c_row, below, blocks, k, columns, accumulate)
            i += ROWS
        while i + 4 <= rows:
            _full4(a, a0 + i * a_row, a_row, a_k, a_block, b, b0, b_k,
                   c, c0 + i * c_row, c_row, 0, blocks, k, columns, accumulate)
            i += 4
        if i + 2 <= rows:
            _full2(a, a0 + i * a_row, a_row, a_k, a_block, b, b0, b_k,
                   c, c0 + i * c_row, c_row, 0, blocks, k, columns, accumulate)
            i += 2
        if i < rows:
            _full1(a, a0 + i * a_row, a_row, a_k, a_block, b, b0, b_k,
                   c, c0 + i * c_row, c_row, 0, blocks, k, columns, accumulate)
        return
    for j in range(0, columns, lanes):
        left = min(lanes, columns - j)
        i = 0
        while i + ROWS <= rows:
            _edge(a, a0 + i * a_row, a_row, a_k, a_block, b, b0 + j, b_k,
                  c, c0 + j + i * c_row, c_row, 0, blocks, k, left, accumulate)
            i += ROWS
        while i + 4 <= rows:
            _edge4(a, a0 + i * a_row, a_row, a_k, a_block, b, b0 + j, b_k,
                   c, c0 + j + i * c_row, c_row, 0, blocks, k, left, accumulate)
            i += 4
        while i < rows:
            _edge1(a, a0 + i * a_row, a_row, a_k, a_block, b, b0 + j, b_k,
                   c, c0 + j + i * c_row, c_row, 0, blocks, k, left, accumulate)
            i += 1
    # fmt: on


def _panel_plain(a, a0, a_row, a_k, a_block, b, b0, b_k, c, c0, c_row, rows, blocks, k, columns, accumulate):
    """The same as plain loops, for when JIT is off."""
    a, b, c = a.reshape(-1), b.reshape(-1), c.reshape(-1)
    for i in range(rows):
        row = c[c0 + i * c_row : c0 + i * c_row + columns]
        if not accumulate:
            row[:] = 0
        for n in range(blocks * k):
            at = a0 + i * a_row + n // k * a_block + n % k * a_k
            row += a[at] * b[b0 + n * b_k : b0 + n * b_k + columns]


panel_product = _panel_plain if jit.DISABLED else _panel_compiled
"""C[rows, columns] (+)= A[rows, blocks * k] @ B[blocks * k, columns], for any number of rows and at most NR columns.

B must be readable up to whole vectors: a packed panel is padded with zeros. With `accumulate` False, C is overwritten.
"""
