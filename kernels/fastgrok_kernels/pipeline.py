"""Machine code for whole kernels only: what a kernel calls is compiled as a part of it.

Left alone, Numba makes machine code of every function as soon as it has compiled it. For a helper that is wasted: only
the copies inside its callers ever run. Of a parallel loop it makes it three times: for the body, for the body inside
its loop, and for the function around both. Here helpers and the parts of a parallel loop stay in LLVM's intermediate
form as they are; the kernel at the top takes them all in, is optimised, and becomes machine code once. The result is
the same bits in half of the time.

All this rests on the inside of Numba, so that other versions than those it was made for compile as they always do.

What a helper has compiled to is not kept on disk, and cannot be called from Python: jit.py offers `entry` for that.
"""

import contextlib
import dis
import threading

import numba
from numba.core import caching, codegen, compiler
from numba.core.compiler_machinery import register_pass
from numba.core.runtime import rtsys
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


class _Part(codegen.JITCodeLibrary):
    """Code that others take in: optimised with them, and machine code only when someone asks for an address in it."""

    emitted = False

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name):
        self._ensure_finalized()
        if not self.emitted:
            self.emitted = True
            super()._optimize_final_module()
            super()._finalize_final_module()
        return super().get_pointer_to_function(name)


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerHelper(NativeLowering):
    _name = "lower_helper"

    def run_pass(self, state):
        state.flags.no_compile = state.flags.no_cpython_wrapper = True
        state["library"] = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        super().run_pass(state)
        result = state["cr"]
        loops = any(step.opname == "JUMP_BACKWARD" for step in dis.get_instructions(state.func_id.func))
        if loops and not state.flags.forceinline:
            # A loop stays a function of its own. Within others its constants compete for the registers with what these
            # keep there: exp of an array took 1.3 times as long.
            state["library"]._final_module.get_function(result.fndesc.llvm_func_name).add_function_attribute("noinline")
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

    def run_pass(self, state):
        state["library"] = _kernel(state)
        return super().run_pass(state)


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerParallelKernel(NativeParforLowering):
    _name = "lower_parallel_kernel"

    def run_pass(self, state):
        state["library"] = _kernel(state)
        with _parts(state.targetctx.codegen()):
            state.flags.no_compile = True  # its parts inherit that
            super().run_pass(state)
        result = state["cr"]
        call = state.targetctx.get_executable(state["library"], result.fndesc, result.env)
        state.targetctx.insert_user_function(call, result.fndesc, [state["library"]])
        state.reload_init.extend(state["library"]._reload_init)
        state["cr"] = result._replace(cfunc=call)
        return True


def _kernel(state):
    """The place for the code of a kernel, which can be kept on disk."""
    library = state.targetctx.codegen().create_library(state.func_id.func_qualname)
    library.enable_object_caching()
    return library


class Kept(caching.FunctionCache):
    """Numba's cache of a kernel on disk.

    Numba's own readies the compiler whenever it looks for a kernel on disk, which takes longer than to load ten: 0.2 s
    of a program that finds all its kernels. The compiler does that itself when it is used after all.
    """

    def load_overload(self, sig, target_context):
        """Return the kernel for arguments of these types, or None when it is not on disk."""
        rtsys.initialize(target_context)  # what arrays are allocated by
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


@contextlib.contextmanager
def _parts(generator):
    """Meanwhile, all code that Numba makes is a part."""
    usual = generator._library_class
    generator._library_class = _Part
    try:
        yield
    finally:
        generator._library_class = usual
