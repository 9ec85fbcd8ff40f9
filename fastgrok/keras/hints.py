"""What to use instead of the parts of Keras that are not here: one line each."""

__all__ = ["missing"]

_HINTS = {
    "only Sequential models are covered; for other graphs write an nn.Module (fastgrok.nn)": """
        Model Functional layers.add layers.Add layers.concatenate layers.Concatenate layers.multiply
        layers.Multiply layers.Subtract layers.Average layers.Maximum layers.Minimum layers.Dot
        layers.subtract layers.average layers.maximum layers.minimum layers.dot models.Model
        models.clone_model models.Functional""",
    "write the function into a subclass of layers.Layer, as its call(self, inputs)": """
        layers.Lambda""",
    "repeat the layer in a Layer of your own; Dense and Embedding work on any number of axes without it": """
        layers.TimeDistributed""",
    "use layers.LSTM, layers.GRU or layers.SimpleRNN; single steps are nn.LSTMCell, nn.GRUCell and nn.RNNCell": """
        layers.RNN layers.LSTMCell layers.GRUCell layers.SimpleRNNCell layers.StackedRNNCells
        layers.ConvLSTM2D""",
    "use Conv2D with one row, or nn.Conv1d and nn.ConvTranspose2d": """
        layers.Conv1D layers.Conv2DTranspose layers.Conv1DTranspose layers.DepthwiseConv2D
        layers.SeparableConv2D layers.Conv3D""",
    "use padding='same' in Conv2D, or nn.functional.pad in a Layer of your own": """
        layers.ZeroPadding2D layers.Cropping2D layers.ZeroPadding1D""",
    "use nn.MaxPool1d, nn.AvgPool1d or a Layer of your own with x.amax(dim=1)": """
        layers.MaxPooling1D layers.AveragePooling1D layers.GlobalMaxPooling1D layers.GlobalAveragePooling1D
        layers.GlobalMaxPooling2D""",
    "use nn.MultiheadAttention and nn.TransformerEncoderLayer": """
        layers.Attention layers.MultiHeadAttention layers.AdditiveAttention""",
    "use activation='leaky_relu', 'elu', 'relu' or 'softmax', or layers.Activation": """
        layers.ReLU layers.LeakyReLU layers.ELU layers.PReLU layers.Softmax layers.ThresholdedReLU""",
    "pad with utils.pad_sequences before fit; there are no masks": """
        layers.Masking preprocessing.sequence""",
    "prepare data with NumPy before fit, or with fastgrok.data.text": """
        preprocessing layers.Rescaling layers.Normalization layers.TextVectorization layers.StringLookup
        layers.IntegerLookup layers.Resizing layers.RandomFlip layers.RandomRotation layers.RandomZoom
        layers.CategoryEncoding utils.image_dataset_from_directory utils.text_dataset_from_directory
       """,
    "use dropout, or weight_decay in the optimizer": """
        regularizers constraints layers.GaussianNoise layers.GaussianDropout layers.AlphaDropout
        layers.SpatialDropout1D layers.SpatialDropout2D layers.ActivityRegularization layers.UnitNormalization
        layers.GroupNormalization""",
    "trained models are not offered": """
        applications""",
    "use the methods and functions of fastgrok on tensors": """
        ops numpy""",
    "computation is in float32": """
        mixed_precision dtype_policies quantizers""",
    "data-parallel training is fastgrok.distributed": """
        distribution""",
}
_BY_NAME = {name: hint for hint, names in _HINTS.items() for name in names.split()}


def missing(module: str, path: str, name: str) -> AttributeError:
    """Return the error for a name that is not here: what to do instead, where that is known.

    Examples
    --------
    >>> print(missing("fastgrok.keras", "applications", "applications"))
    module 'fastgrok.keras' has no attribute 'applications': trained models are not offered
    """
    hint = _BY_NAME.get(path) or _BY_NAME.get(path.partition(".")[0])
    return AttributeError(f"module {module!r} has no attribute {name!r}" + (f": {hint}" if hint else ""))
