"""The errors that users meet. Each is also an instance of what PyTorch raises in that place."""


class ShapeError(ValueError, RuntimeError):
    """An array has a shape that the operation cannot take; the message names argument, shape and what was expected."""


class DtypeError(TypeError, NotImplementedError):
    """An array has a dtype that the operation cannot take; the message names argument, dtype and what was expected."""


class StateError(RuntimeError):
    """Something is called at a moment when it has no meaning, such as a second `backward()` through one graph."""


class ArgumentError(ValueError, RuntimeError):
    """A setting has a value that makes no sense; the message names it, the value and what was expected."""


class NumberError(OverflowError, ValueError, RuntimeError):
    """A number does not fit into the dtype that it is to have; the message has both."""


class DataError(ValueError, DtypeError):
    """What is to become a tensor is neither a number, nor an array, nor a sequence of rows of one length of numbers."""


class RangeError(IndexError, ValueError, RuntimeError):
    """A number lies outside of what there is, such as a dimension or a place; the message names it and the range."""


class IndexingError(IndexError, DtypeError):
    """Something is no index: neither numbers, slices, None, Ellipsis nor arrays of whole numbers or bool."""


class IdError(IndexError, RuntimeError):
    """A number that names a row, a class or an element names none; the message has it and what was expected."""


class SettingsError(ValueError, RuntimeError, AssertionError):
    """The settings of a layer contradict each other; the message names them and their values."""


class MemberError(TypeError, AssertionError):
    """Something of another kind is put into a container; the message has its type and what was expected."""


class InputError(ArgumentError, AssertionError):
    """What a layer of attention is called with has a shape or dtype that it cannot take; PyTorch asserts there."""
