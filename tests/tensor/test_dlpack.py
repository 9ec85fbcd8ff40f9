"""Memory is shared with other libraries by DLPack, both ways, without a copy."""

import gc
import weakref

import numpy as np
import pytest

import fastgrok

DTYPES = ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_both_ways(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    x = fastgrok.from_dlpack(array)
    assert (str(x.dtype), tuple(x.shape)) == (dtype, (2, 3))
    assert np.shares_memory(x.numpy(), array)
    back = np.from_dlpack(x)
    assert np.shares_memory(back, array)
    x[0, 0] = 1
    assert array[0, 0] == back[0, 0] == 1


def test_strides_travel():
    x = fastgrok.arange(6).reshape(2, 3).t()
    array = np.from_dlpack(x)
    assert array.strides == x.numpy().strides
    np.testing.assert_array_equal(array, x.numpy())


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
def test_torch_both_ways(dtype):
    torch = pytest.importorskip("torch")
    x = fastgrok.ones(2, 3).to(getattr(fastgrok, dtype))
    theirs = torch.from_dlpack(x)
    assert theirs.data_ptr() == x.data_ptr()
    theirs[1, 2] = 0
    assert x[1, 2].item() == 0
    ours = fastgrok.from_dlpack(torch.ones(3, 2, dtype=getattr(torch, dtype)).t())
    assert (str(ours.dtype), tuple(ours.shape), tuple(ours.stride())) == (dtype, (2, 3), (1, 2))
    back = torch.from_dlpack(ours)
    assert back.data_ptr() == ours.data_ptr()


def test_memory_lives_as_long_as_one_of_both_does():
    array = np.ones(1000)
    watched = weakref.ref(array)
    x = fastgrok.from_dlpack(array)
    del array
    gc.collect()
    assert watched() is not None and x.sum().item() == 1000
    del x
    gc.collect()
    assert watched() is None


def test_what_cannot_be_shared():
    with pytest.raises(BufferError, match="requires grad"):
        np.from_dlpack(fastgrok.ones(2, requires_grad=True))
    with pytest.raises(TypeError, match="list"):
        fastgrok.from_dlpack([1.0])
    constant = np.ones(2)
    constant.flags.writeable = False
    with pytest.raises(BufferError):
        fastgrok.from_dlpack(constant)
    with pytest.raises(TypeError):
        fastgrok.from_dlpack(np.ones(2, np.float16))
