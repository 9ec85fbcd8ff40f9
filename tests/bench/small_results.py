"""Results of a run that never was: easy numbers, one row of each kind."""

from asv_bench.compare import growth, limits


def _rates(stream, small, large):
    """Rates of all kernels, the same in three rounds."""
    products = {f"product {size}": [small if size == 512 else large] * 3 for size in limits.PRODUCTS}
    return products | {name: [stream] * 3 for name in limits.STREAMS}


def _curve(sizes):
    """fastgrok on a straight line, PyTorch not."""
    return {
        "sizes": list(sizes),
        "fastgrok": [[0.001 + 0.002 * n] for n in sizes],
        "torch": [[0.001 * n**2] for n in sizes],
    }


def results():
    """Return what results.json holds: a row that wins, one that loses, one that failed."""
    return {
        "date": "2030-01-02",
        "machine": {"processor": "Imaginary 1 with AVX2", "cores": 2, "system": "Linux x86_64", "python": "3.11.7"},
        "versions": {"fastgrok": "0.1.0", "torch": "2.13.0", "numpy": "2.4.0", "numba": "0.68.0"},
        "threads": 2,
        "rounds": 3,
        "rows": {
            # Ratios 2, 4 and 3; the ratio of the medians would be 3 as well, that of the losing row would not.
            "matmul-512": {"fastgrok": [0.010, 0.010, 0.010], "torch": [0.020, 0.040, 0.030], "flops": 2 * 512**3},
            "cnn-B128": {"fastgrok": [0.010, 0.020, 0.040], "torch": [0.009, 0.010, 0.024], "flops": 1e8},
            "mlp-B100": {"error": "torch: the worker died (exit status -9)"},
        },
        "memory": {"matmul-512": {"fastgrok": 100.4, "torch": 200.6}, "cnn-B128": {"error": "no | memory"}},
        "limits": {
            "1": {"peak": [20e9, 25e9, 30e9], "copy": [10e9, 10e9, 10e9], **_rates(7.1e9, 20e9, 22e9)},
            "2": {"peak": [50e9, 53.687e9, 60e9], "copy": [10e9, 20e9, 20e9], **_rates(6e9, 45e9, 30e9)},
        },
        "by_threads": {
            "lm-lstm-B32-T16-H512": {"1": [4.0, 4.0, 4.4], "2": [2.0, 2.1, 2.0]},
            "lm-lstm-B16-T16-H128": {"1": [1.4, 1.4, 1.4], "2": [1.0, 1.0, 1.0]},
            "lm-gru-B32-T32-H256": {"error": "fastgrok: the worker died (exit status 1)"},
        },
        "growth": {
            **{letter: _curve(sizes) for letter, sizes in growth.SWEEPS.items()},
            "length": {"sizes": [20000, 80000, 320000], "fastgrok": [[5e-6], [5.04e-6], [4.96e-6]]},
        },
        "book": {"fastgrok": [0.010, 0.011, 0.012], "book": [1.0, 1.0, 1.44]},
    }
