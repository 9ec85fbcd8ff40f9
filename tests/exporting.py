"""Models to export, and the comparison of what comes out with onnxruntime."""

import numpy as np

import fastgrok
from fastgrok import nn


class Function(nn.Module):
    """A function as a model."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def run(file, inputs):
    """Calculate with onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return session.run(None, {i.name: x.numpy() for i, x in zip(session.get_inputs(), inputs, strict=True)})


def flat(value):
    return [part for item in value for part in flat(item)] if isinstance(value, tuple | list) else [value]


def check(model, args, folder, others=(), tolerance=1e-5, **options):
    """Export with `args`, and compare with those and with other inputs."""
    args = args if isinstance(args, tuple) else (args,)
    file = folder / "model.onnx"
    fastgrok.onnx.export(model, args, file, **options)
    model.eval()
    for inputs in (args, *(other if isinstance(other, tuple) else (other,) for other in others)):
        expected = [tensor.detach().numpy() for tensor in flat(model(*inputs))]
        results = run(file, flat(inputs))
        assert len(results) == len(expected)
        for result, wanted in zip(results, expected, strict=True):
            assert result.dtype == wanted.dtype
            assert result.shape == wanted.shape
            scale = max(np.abs(wanted).max(initial=0), 1e-3)
            np.testing.assert_allclose(result / scale, wanted / scale, rtol=0, atol=tolerance)
    return file


BATCH = {"dynamic_axes": {"input": {0: "batch"}}}


class LanguageModel(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.embedding = nn.Embedding(13, 6)
        self.rnn = getattr(nn, kind)(6, 9, **options)
        self.out = nn.Linear(9 * (1 + options.get("bidirectional", False)), 13)

    def forward(self, ids, state=None):
        y, state = self.rnn(self.embedding(ids), state)
        T, B, H = y.shape
        return self.out(y.reshape(T * B, H)).reshape(T, B, -1), state
