"""Every kernel with its reference and its cases: what the tests, the gates and the benchmarks enumerate."""

from . import attention, elements, embedding, images, products, recurrent, scores, updates
from .case import Case, Kernel

__all__ = ["KERNELS", "Case", "Kernel"]

KERNELS = (
    *products.KERNELS,
    *scores.KERNELS,
    *attention.KERNELS,
    *embedding.KERNELS,
    *recurrent.KERNELS,
    *elements.KERNELS,
    *updates.KERNELS,
    *images.KERNELS,
)
