"""Machine code for whole kernels only: what a kernel calls is compiled as a part of it.

Left alone, Numba makes machine code of every function as soon as it has compiled it. For a helper that is wasted: only
the copies inside its callers ever run. Of a parallel loop it makes it three times: for the body, for the body inside
its loop, and for the function around both. Here helpers stay in LLVM's intermediate form, optimised, and the parts of a
parallel loop in that form as they are; the kernel at the top takes them all in, is optimised, and becomes machine code
once. The result is the same bits in half of the time (a threaded matmul: 5.0 instead of 9.5 s on a busy machine).

All this rests on the inside of Numba, so that other versions than those it was made for compile as they always do.

What a helper has compiled to is not kept on disk, and cannot be called from Python: jit.py offers `entry` for that.
"""

import contextlib
import threading

import numba
from numba.core import codegen, compiler
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering, NativeParforLowering

KNOWN = numba.version_info[:2] == (0, 68)
"""Whether this version of Numba is one whose inside is as this file expects it."""

_compiling = threading.local()  # how many compilations this thread is in, one on behalf of the other


class Whole(compiler.CompilerBase):
    """Numba's compiler, with the last step exchanged. What is compiled for the sake of another function is a helper."""

    entry = False  # whether Python may call it, even if it is a helper as well

    def compile_extra(self, func):
        """Compile a function, and find out on whose behalf."""
        depth = getattr(_compiling, "depth", 0)
        self.helper = depth > 0 and not self.entry
        _compiling.depth = depth + 1
        try:
            return super().compile_extra(func)
        finally:
            _compiling.depth = depth

    def define_pipelines(self):
        """Return Numba's list of passes with ours in place of the last."""
        passes = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        ours = _LowerHelper if self.helper else _LowerKernel
        exchanged = compiler.PassManager("whole_kernels")
        for step, description in passes.passes:
            if step is NativeParforLowering:
                step = _LowerParallelKernel
            exchanged.add_pass(ours if step is NativeLowering else step, description)
        exchanged.finalize()
        return [exchanged]


class Entry(Whole):
    """The same for a helper that Python calls too."""

    entry = True


class _Later(codegen.JITCodeLibrary):
    """Code that becomes machine code only when someone asks for the address of a function in it."""

    emitted = False

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name):
        self._ensure_finalized()
        if not self.emitted:
            self.emitted = True
            super()._finalize_final_module()
        return super().get_pointer_to_function(name)


class _Part(_Later):
    """A part of a parallel loop: the whole is optimised soon enough."""

    def _optimize_final_module(self):
        pass


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerHelper(NativeLowering):
    _name = "lower_helper"

    def run_pass(self, state):
        state.flags.no_compile = state.flags.no_cpython_wrapper = True
        state["library"] = _Later(state.targetctx.codegen(), state.func_id.func_qualname)
        super().run_pass(state)
        result = state["cr"]
        # Numba wants a built-in function for calls from Python, another one for each. This one is a KeyError that says
        # what is wrong.
        name = state.func_id.func_name
        call = f"{{{name} was compiled as a part of kernels; to call it from Python too takes entry=True}}".format
        state.targetctx.insert_user_function(call, result.fndesc, [state["library"]])
        state["cr"] = result._replace(cfunc=call)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerKernel(NativeLowering):
    _name = "lower_kernel"


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerParallelKernel(NativeParforLowering):
    _name = "lower_parallel_kernel"

    def run_pass(self, state):
        generator = state.targetctx.codegen()
        state["library"] = generator.create_library(state.func_id.func_qualname)
        state["library"].enable_object_caching()
        with _parts(generator):
            state.flags.no_compile = True  # its parts inherit that
            super().run_pass(state)
        result = state["cr"]
        call = state.targetctx.get_executable(state["library"], result.fndesc, result.env)
        state.targetctx.insert_user_function(call, result.fndesc, [state["library"]])
        state.reload_init.extend(state["library"]._reload_init)
        state["cr"] = result._replace(cfunc=call)
        return True


@contextlib.contextmanager
def _parts(generator):
    """Meanwhile, all code that Numba makes is a part."""
    usual = generator._library_class
    generator._library_class = _Part
    try:
        yield
    finally:
        generator._library_class = usual
