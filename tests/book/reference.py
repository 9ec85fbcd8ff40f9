"""A slow emulation of the engine of the book, rule by rule, to compare with; and its layers on top.

The rules (research notes on chapters 13 to 15): a gradient that arrives is added up, and what has been added up so far
is passed on at once, unless a child that announces itself is still to come. Children announce themselves for add, sub
and mul only. What arrives from a child a second time is dropped. Creators are visited in order, depth first.
"""

import numpy as np

TRACKED = ("add", "sub", "mul")


class Tensor:
    """One node; `pullback(gradient)` gives the gradients of its creators."""

    def __init__(self, data, autograd=False, creators=None, creation_op=None, id=None, pullback=None):
        self.data = np.array(data)
        self.autograd, self.grad = autograd, None
        self.id = np.random.randint(0, 1000000000) if id is None else id
        self.creators, self.creation_op, self.pullback = creators, creation_op, pullback
        self.children = {}
        for creator in creators or ():
            creator.children[self.id] = creator.children.get(self.id, 0) + 1

    def backward(self, grad=None, grad_origin=None):
        if not self.autograd:
            return
        gradient = np.ones_like(self.data) if grad is None else grad.data if isinstance(grad, Tensor) else grad
        if grad_origin is not None:
            if self.children[grad_origin.id] == 0:
                return
            self.children[grad_origin.id] -= 1
        self.grad = Tensor(gradient if self.grad is None else self.grad.data + gradient)
        if self.creators is None or (grad_origin is not None and any(self.children.values())):
            return
        total = gradient if self.creation_op == "index_select" else self.grad.data
        # As in the book, the gradient for a creator is formed just before it is visited.
        for creator, form in zip(self.creators, self.pullback, strict=True):
            creator.backward(form(total), self if self.creation_op in TRACKED else None)
            if self.creation_op == "tanh":
                self.children[object()] = 1  # tanh * tanh, formed in backward, is a child that never reports

    def _make(self, data, creation_op, creators, *pullback, recorded=None):
        recorded = all(c.autograd for c in creators) if recorded is None else recorded
        if not recorded:
            return Tensor(data)
        return Tensor(data, autograd=True, creators=creators, creation_op=creation_op, pullback=pullback)

    def __add__(self, other):
        return self._make(self.data + other.data, "add", [self, other], lambda d: d, lambda d: d)

    def __sub__(self, other):
        return self._make(self.data - other.data, "sub", [self, other], lambda d: d, lambda d: d * -1)

    def __mul__(self, other):
        return self._make(
            self.data * other.data, "mul", [self, other], lambda d: d * other.data, lambda d: d * self.data
        )

    def __neg__(self):
        return self._make(self.data * -1, "neg", [self], lambda d: d * -1)

    def sum(self, dim):
        copies = self.data.shape[dim]
        return self._make(self.data.sum(dim), f"sum_{dim}", [self], lambda d: np.stack([d] * copies, dim))

    def expand(self, dim, copies):
        return self._make(np.stack([self.data] * copies, dim), f"expand_{dim}", [self], lambda d: d.sum(dim))

    def transpose(self):
        return self._make(self.data.transpose(), "transpose", [self], lambda d: d.transpose())

    def mm(self, x):
        def left(d):
            # The book multiplies by x.transpose(), a recorded child of x that never reports, and copies to make it.
            transposed = x.transpose()
            return d.dot(transposed.data)

        def right(d):
            return d.transpose().copy().dot(self.data).transpose().copy()

        return self._make(self.data.dot(x.data), "mm", [self, x], left, right, recorded=self.autograd)

    def sigmoid(self):
        y = 1 / (1 + np.exp(-self.data))
        return self._make(y, "sigmoid", [self], lambda d: d * (y * (1 - y)))

    def tanh(self):
        y = np.tanh(self.data)
        return self._make(y, "tanh", [self], lambda d: d * (1 - y * y))

    def index_select(self, indices):
        ids = indices.data.reshape(-1)

        def scatter(d):
            table = np.zeros_like(self.data)
            for i, row in zip(ids, d.reshape(len(ids), -1), strict=True):
                table[i] += row
            return table

        return self._make(self.data[indices.data], "index_select", [self], scatter)

    def softmax(self):
        e = np.exp(self.data)
        return e / e.sum(axis=-1, keepdims=True)

    def cross_entropy(self, target_indices):
        p = self.softmax()
        onehot = np.eye(p.shape[-1])[target_indices.data.reshape(-1)]
        loss = -(np.log(p) * onehot).sum(1).mean()
        return self._make(loss, "cross_entropy", [self], lambda d: p - onehot)

    def __repr__(self):
        return repr(self.data)

    def __str__(self):
        return str(self.data)


class Layer:
    def __init__(self):
        self.parameters = []

    def get_parameters(self):
        return self.parameters


class SGD:
    def __init__(self, parameters, alpha=0.1):
        self.parameters, self.alpha = parameters, alpha

    def step(self, zero=True):
        for p in self.parameters:
            p.data -= p.grad.data * self.alpha
            if zero:
                p.grad.data *= 0


class Linear(Layer):
    def __init__(self, n_inputs, n_outputs, bias=True):
        super().__init__()
        self.weight = Tensor(np.random.randn(n_inputs, n_outputs) * np.sqrt(2.0 / n_inputs), autograd=True)
        self.parameters.append(self.weight)
        self.use_bias = bias
        if bias:
            self.bias = Tensor(np.zeros(n_outputs), autograd=True)
            self.parameters.append(self.bias)

    def forward(self, input):
        y = input.mm(self.weight)
        return y + self.bias.expand(0, len(input.data)) if self.use_bias else y


class Embedding(Layer):
    def __init__(self, vocab_size, dim):
        super().__init__()
        self.weight = Tensor((np.random.rand(vocab_size, dim) - 0.5) / dim, autograd=True)
        self.parameters.append(self.weight)

    def forward(self, input):
        return self.weight.index_select(input)


class CrossEntropyLoss:
    def forward(self, input, target):
        return input.cross_entropy(target)


class MSELoss:
    def forward(self, input, target):
        difference = input - target
        return (difference * difference).sum(0)


class RNNCell(Layer):
    def __init__(self, n_inputs, n_hidden, n_output, activation="sigmoid"):
        super().__init__()
        self.n_hidden, self.activation = n_hidden, activation
        self.w_ih, self.w_hh = Linear(n_inputs, n_hidden), Linear(n_hidden, n_hidden)
        self.w_ho = Linear(n_hidden, n_output)
        for layer in (self.w_ih, self.w_hh, self.w_ho):
            self.parameters += layer.get_parameters()

    def forward(self, input, hidden):
        from_hidden = self.w_hh.forward(hidden)
        combined = self.w_ih.forward(input) + from_hidden
        hidden = combined.sigmoid() if self.activation == "sigmoid" else combined.tanh()
        return self.w_ho.forward(hidden), hidden

    def init_hidden(self, batch_size=1):
        return Tensor(np.zeros((batch_size, self.n_hidden)), autograd=True)


class LSTMCell(Layer):
    GATES = ("xf", "xi", "xo", "xc", "hf", "hi", "ho", "hc")

    def __init__(self, n_inputs, n_hidden, n_output):
        super().__init__()
        self.n_hidden = n_hidden
        for name in self.GATES:
            setattr(self, name, Linear(n_inputs if name[0] == "x" else n_hidden, n_hidden, bias=name[0] == "x"))
        self.w_ho = Linear(n_hidden, n_output, bias=False)
        for name in (*self.GATES, "w_ho"):
            self.parameters += getattr(self, name).get_parameters()

    def forward(self, input, hidden):
        h, c = hidden

        def gate(name):
            return getattr(self, "x" + name).forward(input) + getattr(self, "h" + name).forward(h)

        f, i, o, g = gate("f").sigmoid(), gate("i").sigmoid(), gate("o").sigmoid(), gate("c").tanh()
        c = f * c + i * g
        h = o * c.tanh()
        return self.w_ho.forward(h), (h, c)

    def init_hidden(self, batch_size=1):
        h = Tensor(np.zeros((batch_size, self.n_hidden)), autograd=True)
        c = Tensor(np.zeros((batch_size, self.n_hidden)), autograd=True)
        h.data[:, 0] += 1
        c.data[:, 0] += 1
        return h, c
