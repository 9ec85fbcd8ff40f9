"""`fastgrok warmup`."""

__all__ = ["warmup"]


def warmup() -> int:
    """Compile all kernels, and say which one it is at."""
    import fastgrok

    seconds = fastgrok.warmup(progress=lambda name: print(name, flush=True))
    print(f"all kernels are ready ({seconds:.1f} s)")
    return 0
