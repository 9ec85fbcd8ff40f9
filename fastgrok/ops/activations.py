"""Nonlinearities of layers, element by element. All take a float array of any shape and return one of that shape."""

import math

import numpy as np

import fastgrok_kernels as kernels

from .base import KERNEL_SIZE, Op, check_float, chosen, contiguous, elementwise, quiet
from .elementwise import clipped


@quiet
def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x)) if x.size < KERNEL_SIZE else elementwise(kernels.sigmoid_forward, x)


class LeakyReLU(Op):
    """x where it is positive, else slope * x."""

    saved_inputs = (0,)

    def forward(self, x, slope=0.01):
        """Scale what is not positive. Raises `DtypeError` unless x is a float array, like all ops of this file."""
        check_float("leaky_relu", "input", x)
        self.x, self.slope = x, x.dtype.type(slope)
        if x.size >= KERNEL_SIZE:
            return elementwise(lambda x: kernels.leaky_relu_forward(x, slope), x)
        return np.where(x > 0, x, x * self.slope)

    def backward(self, dy):
        """dx = dy where x > 0, else slope * dy."""
        if dy.size >= KERNEL_SIZE:
            return (elementwise(lambda dy, x: kernels.leaky_relu_backward(dy, x, self.slope), dy, self.x),)
        return (np.where(self.x > 0, dy, dy * self.slope),)


class ELU(Op):
    """x where it is positive, else alpha (e^x - 1)."""

    saved_inputs = (0,)

    def forward(self, x, alpha=1.0):
        """Bend what is not positive."""
        check_float("elu", "input", x)
        self.x, self.alpha = x, x.dtype.type(alpha)
        if x.size >= KERNEL_SIZE:
            return elementwise(lambda x: kernels.elu_forward(x, alpha), x)
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def backward(self, dy):
        """dx = dy where x > 0, else alpha e^x dy."""
        if dy.size >= KERNEL_SIZE:
            return (elementwise(lambda dy, x: kernels.elu_backward(dy, x, self.alpha), dy, self.x),)
        return (np.where(self.x > 0, dy, dy * self.alpha * np.exp(np.minimum(self.x, 0))),)


class GELU(Op):
    """x P(x), where P(x) is the normal distribution's probability to be below x."""

    saved_inputs = (0,)

    def forward(self, x):
        """Weigh x by its probability."""
        check_float("gelu", "input", x)
        self.x = contiguous(x)
        return kernels.gelu_forward(self.x)

    def backward(self, dy):
        """dx = dy (P(x) + x p(x)), p the density."""
        return (kernels.gelu_backward(contiguous(dy), self.x),)


class TanhGELU(Op):
    """x (1 + tanh(u)) / 2 with u = sqrt(2/pi) (x + 0.044715 x^3), which is close to GELU."""

    saved_inputs = (0,)
    CUBIC, SLOPE = 0.044715, math.sqrt(2 / math.pi)

    def forward(self, x):
        """Weigh x by nearly its probability."""
        check_float("gelu", "input", x)
        self.x = x
        if x.size >= KERNEL_SIZE:
            return elementwise(kernels.tanh_gelu_forward, x)
        self.tanh = np.tanh((x + x * x * x * self.CUBIC) * self.SLOPE)
        return (self.tanh + 1) * x * 0.5

    def backward(self, dy):
        """dx = dy ((1 + tanh(u)) / 2 + x (1 - tanh(u)^2) u' / 2)."""
        if dy.size >= KERNEL_SIZE:
            return (elementwise(kernels.tanh_gelu_backward, dy, self.x),)
        x, tanh = self.x, self.tanh
        du = (x * x * (3 * self.CUBIC) + 1) * self.SLOPE
        return (dy * ((tanh + 1) * 0.5 + x * (1 - tanh * tanh) * du * 0.5),)


class SiLU(Op):
    """x times its sigmoid."""

    saved_inputs = (0,)

    def forward(self, x):
        """Weigh x by 1 / (1 + e^-x)."""
        check_float("silu", "input", x)
        self.x = x
        return x * _sigmoid(x) if x.size < KERNEL_SIZE else elementwise(kernels.silu_forward, x)

    def backward(self, dy):
        """dx = dy s (1 + x (1 - s)), s the sigmoid of x."""
        if dy.size >= KERNEL_SIZE:
            return (elementwise(kernels.silu_backward, dy, self.x),)
        s = _sigmoid(self.x)
        return (dy * s * (self.x * (1 - s) + 1),)


class Softplus(Op):
    """log(1 + e^(beta x)) / beta, and x itself where beta x is above a threshold."""

    saved_inputs = (0,)
    name = "softplus"

    @quiet
    def forward(self, x, beta=1.0, threshold=20.0):
        """Smooth the kink of ReLU."""
        check_float(self.name, "input", x)
        self.x, self.beta, self.threshold = x, beta, threshold
        if x.size >= KERNEL_SIZE:
            return elementwise(lambda x: kernels.softplus_forward(x, beta, threshold), x)
        u = x * x.dtype.type(beta)
        bent = np.maximum(u, 0) + np.log1p(np.exp(-np.abs(u)))  # of numbers below 0, no exponential overflows
        return np.where(u > threshold, x, bent / x.dtype.type(beta))

    @quiet
    def backward(self, dy):
        """dx = dy times the sigmoid of beta x; dy itself above the threshold."""
        beta, threshold = self.beta, self.threshold
        if dy.size >= KERNEL_SIZE:
            return (elementwise(lambda dy, x: kernels.softplus_backward(dy, x, beta, threshold), dy, self.x),)
        u = self.x * self.x.dtype.type(beta)
        return (np.where(u > threshold, dy, dy * _sigmoid(u)),)


class LogSigmoid(Softplus):
    """The logarithm of the sigmoid of x: -log(1 + e^-x), which is softplus with beta = -1."""

    name = "logsigmoid"

    def forward(self, x):
        """Bend towards 0."""
        return super().forward(x, -1.0, math.inf)


class Hardtanh(Op):
    """x, cut off below `low` and above `high`."""

    saved_inputs = (0,)

    def forward(self, x, low=-1.0, high=1.0):
        """Cut off; nan stays nan."""
        self.x, self.low, self.high = x, low, high
        return clipped(x, low, high)

    def backward(self, dy):
        """dx = dy between the limits, 0 at and beyond them (which is where `Clamp` differs)."""
        return (chosen((self.x > self.low) & (self.x < self.high), dy, np.zeros((), dy.dtype)),)
