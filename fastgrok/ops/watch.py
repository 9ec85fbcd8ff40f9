"""A place in the graph where somebody looks at gradients."""

from .base import Op


class Watch(Op, register=False):
    """Arrays -> copies of them; `see(gradients)` is called on the way back and returns the gradients to go on with.

    It is in no list of operations: it calculates nothing, and what comes back is up to `see`.
    """

    def forward(self, *arrays, see):
        """Copy: an output that shared memory would let changes in place slip past the graph."""
        self.see = see
        return tuple([x.copy(order="K") for x in arrays])

    def backward(self, *douts):
        """Show the gradients, None where none arrived."""
        return tuple(self.see(douts))
