"""Reference for conv.py: one tap after the other, on an image with a generous border of zeros."""

import numpy as np


def _bordered(x, border):
    """Images (B, R, S, C) with zeros around them."""
    return np.pad(x, ((0, 0), (border, border), (border, border), (0, 0)))


def _reach(size, kernel_size, stride, padding, dilation):
    """A border that no tap can leave."""
    return max(size[i] * stride[i] + kernel_size[i] * dilation[i] + padding[i] for i in range(2))


def _under_tap(k, l, size, stride, padding, dilation, border):
    """The pixels of a bordered image that tap (k, l) reads, for all outputs."""
    starts = [border + tap * dilation[i] - padding[i] for i, tap in enumerate((k, l))]
    rows, columns = (slice(starts[i], starts[i] + size[i] * stride[i], stride[i]) for i in range(2))
    return slice(None), rows, columns


def _by_group(x, groups):
    """(..., groups * C) -> (..., groups, C)."""
    return x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)


def conv_forward(x, w, bias, size, stride, padding, dilation, groups):
    """See fastgrok_kernels.conv.conv_forward."""
    O, Cg, K, L = w.shape
    border = _reach(size, (K, L), stride, padding, dilation)
    image = _bordered(x, border)
    weights = w.reshape(groups, O // groups, Cg, K, L)
    y = np.zeros((len(x), *size, groups, O // groups), x.dtype)
    for k in range(K):
        for l in range(L):
            pixels = _by_group(image[_under_tap(k, l, size, stride, padding, dilation, border)], groups)
            y += np.einsum("bpqgc,goc->bpqgo", pixels, weights[..., k, l])
    return y.reshape(len(x), *size, O) + bias


def conv_backward_input(dy, w, size, stride, padding, dilation, groups):
    """See fastgrok_kernels.conv.conv_backward_input."""
    (B, P, Q, O), (_, Cg, K, L) = dy.shape, w.shape
    border = _reach((max(P, size[0]), max(Q, size[1])), (K, L), stride, padding, dilation)
    image = _bordered(np.zeros((B, *size, groups * Cg), dy.dtype), border)
    weights = w.reshape(groups, O // groups, Cg, K, L)
    for k in range(K):
        for l in range(L):
            share = np.einsum("bpqgo,goc->bpqgc", _by_group(dy, groups), weights[..., k, l])
            image[_under_tap(k, l, (P, Q), stride, padding, dilation, border)] += share.reshape(B, P, Q, groups * Cg)
    return image[:, border : border + size[0], border : border + size[1]]


def conv_backward_weight(dy, x, kernel_size, stride, padding, dilation, groups):
    """See fastgrok_kernels.conv.conv_backward_weight."""
    (_, P, Q, O), (K, L) = dy.shape, kernel_size
    border = _reach((P, Q), kernel_size, stride, padding, dilation)
    image = _bordered(x, border)
    dw = np.zeros((groups, O // groups, x.shape[3] // groups, K, L), x.dtype)
    for k in range(K):
        for l in range(L):
            pixels = _by_group(image[_under_tap(k, l, (P, Q), stride, padding, dilation, border)], groups)
            dw[..., k, l] = np.einsum("bpqgo,bpqgc->goc", _by_group(dy, groups), pixels)
    return dw.reshape(O, dw.shape[2], K, L), dy.sum(axis=(0, 1, 2))
