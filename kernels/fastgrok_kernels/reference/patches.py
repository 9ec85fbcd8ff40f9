"""Reference for patches.py: one tap after the other, on an image with a border."""

import numpy as np


def _taps(kernel_size, size, image_size, stride, padding, dilation):
    """Border, and for each tap the pixels of the bordered image that it takes over all windows."""
    (K, L), (P, Q) = kernel_size, size
    border = max(size[i] * stride[i] + kernel_size[i] * dilation[i] + padding[i] for i in range(2))
    for k in range(K):
        for l in range(L):
            r, s = border + k * dilation[0] - padding[0], border + l * dilation[1] - padding[1]
            yield border, k, l, np.s_[:, :, r : r + P * stride[0] : stride[0], s : s + Q * stride[1] : stride[1]]


def patches_forward(x, kernel_size, size, stride, padding, dilation):
    """See fastgrok_kernels.patches.patches_forward."""
    (B, C, R, S), (K, L), (P, Q) = x.shape, kernel_size, size
    columns = np.zeros((B, C, K, L, P, Q), x.dtype)
    for border, k, l, pixels in _taps(kernel_size, size, (R, S), stride, padding, dilation):
        columns[:, :, k, l] = np.pad(x, ((0, 0), (0, 0), (border, border), (border, border)))[pixels]
    return columns.reshape(B, C * K * L, P * Q)


def patches_backward(columns, kernel_size, size, image_size, stride, padding, dilation):
    """See fastgrok_kernels.patches.patches_backward."""
    (K, L), (P, Q), (R, S) = kernel_size, size, image_size
    B, C = len(columns), columns.shape[1] // (K * L)
    parts = columns.reshape(B, C, K, L, P, Q)
    x = np.zeros((B, C, R, S), columns.dtype)
    for border, k, l, pixels in _taps(kernel_size, size, image_size, stride, padding, dilation):
        image = np.zeros((B, C, R + 2 * border, S + 2 * border), columns.dtype)
        image[pixels] = parts[:, :, k, l]
        x += image[:, :, border : border + R, border : border + S]
    return x
