"""Reference for depthwise.py: a convolution with as many groups as channels."""

from . import conv


def depthwise_forward(x, w, bias, size, stride, padding, dilation):
    """See fastgrok_kernels.depthwise.depthwise_forward."""
    return conv.conv_forward(x, w, bias, size, stride, padding, dilation, len(w))


def depthwise_backward_input(dy, w, size, stride, padding, dilation):
    """See fastgrok_kernels.depthwise.depthwise_backward_input."""
    return conv.conv_backward_input(dy, w, size, stride, padding, dilation, len(w))


def depthwise_backward_weight(dy, x, kernel_size, stride, padding, dilation):
    """See fastgrok_kernels.depthwise.depthwise_backward_weight."""
    return conv.conv_backward_weight(dy, x, kernel_size, stride, padding, dilation, x.shape[3])
