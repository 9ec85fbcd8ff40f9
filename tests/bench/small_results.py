"""Results of a run that never was: easy numbers, one row of each kind."""


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
        "limits": {"peak": [50e9, 53.687e9, 60e9]},
    }
