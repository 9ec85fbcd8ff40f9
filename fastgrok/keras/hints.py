"""What to use instead of the parts of Keras that are not here: one line each."""

import opcode
import sys

__all__ = ["BY_NAME", "missing"]

_HINTS = {
    "only Sequential models are covered; for other graphs write an nn.Module (fastgrok.nn)": """
        Model Functional layers.add layers.Add layers.concatenate layers.Concatenate layers.multiply
        layers.Multiply layers.Subtract layers.Average layers.Maximum layers.Minimum layers.Dot
        layers.subtract layers.average layers.maximum layers.minimum layers.dot models.Model
        models.Functional""",
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
        layers.Masking""",
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
    "use Precision and Recall, or write a subclass of metrics.Metric": """
        metrics.F1Score metrics.FBetaScore metrics.R2Score metrics.MeanIoU metrics.BinaryIoU metrics.OneHotIoU
        metrics.PrecisionAtRecall metrics.RecallAtPrecision metrics.SensitivityAtSpecificity
        metrics.SpecificityAtSensitivity metrics.f1_score metrics.Sum metrics.ConcordanceCorrelation
        metrics.PearsonCorrelation metrics.fbeta_score metrics.r2_score metrics.mean_io_u""",
    "use 'root_mean_squared_error'": """
        metrics.rmse metrics.RMSE""",
    "use 'categorical_crossentropy', 'sparse_categorical_crossentropy' or 'binary_crossentropy'": """
        losses.crossentropy losses.ce metrics.crossentropy metrics.ce""",
    "write a function of (y_true, y_pred) that returns one number per sample": """
        losses.categorical_focal_crossentropy losses.binary_focal_crossentropy losses.BinaryFocalCrossentropy
        losses.CategoricalFocalCrossentropy losses.dice losses.Dice losses.tversky losses.Tversky losses.ctc losses.CTC
        losses.circle losses.Circle losses.categorical_generalized_cross_entropy""",
    "use 'sgd', 'adam', 'adamw', 'rmsprop' or 'adagrad' here, or fastgrok.optim with fastgrok.training.fit": """
        optimizers.Nadam optimizers.nadam optimizers.Adadelta optimizers.adadelta optimizers.Adamax optimizers.adamax
        optimizers.Ftrl optimizers.ftrl optimizers.Lion optimizers.lion optimizers.Adafactor optimizers.adafactor
        optimizers.Lamb optimizers.lamb optimizers.Muon optimizers.muon""",
    "give the optimizer a function of the number of updates as learning_rate, or use LearningRateScheduler": """
        optimizers.schedules optimizers.legacy""",
    "use callbacks.ModelCheckpoint and load_model, which go on where training ended": """
        callbacks.BackupAndRestore""",
    "use CSVLogger, TensorBoard or LambdaCallback": """
        callbacks.RemoteMonitor callbacks.ProgbarLogger callbacks.SwapEMAWeights""",
    "load the files with NumPy; there are mnist, fashion_mnist and imdb here, and more in fastgrok.data": """
        datasets.cifar10 datasets.cifar100 datasets.boston_housing datasets.california_housing datasets.reuters""",
    "divide by np.linalg.norm(x, axis=-1, keepdims=True)": """
        utils.normalize""",
    "use to_categorical and pad_sequences straight from keras.utils": """
        utils.np_utils""",
    "use model.summary()": """
        utils.plot_model utils.model_to_dot""",
    "use utils.set_random_seed": """
        random.set_seed random""",
    "call compile and fit on the Sequential model itself": """
        wrappers""",
    "use the methods and functions of fastgrok on tensors": """
        ops numpy""",
    "computation is in float32": """
        mixed_precision dtype_policies quantizers""",
    "data-parallel training is fastgrok.distributed": """
        distribution""",
}
#: What to use instead, by the path of what is not here.
BY_NAME = {name: hint for hint, names in _HINTS.items() for name in names.split()}


def missing(module: str, path: str, name: str) -> AttributeError | ImportError:
    """Return the error for a name that is not here: what to do instead, where that is known.

    It is an `ImportError` where the `__getattr__` that calls this serves `from module import name`: Python would
    replace an `AttributeError` there by words of its own.

    Examples
    --------
    >>> print(missing("fastgrok.keras", "applications", "applications"))
    module 'fastgrok.keras' has no attribute 'applications': trained models are not offered
    """
    hint = BY_NAME.get(path) or BY_NAME.get(path.partition(".")[0])
    asking = sys._getframe(2) if hint else None
    if asking and opcode.opname[asking.f_code.co_code[asking.f_lasti]] == "IMPORT_FROM":
        return ImportError(f"cannot import name {name!r} from {module!r}: {hint}")
    return AttributeError(f"module {module!r} has no attribute {name!r}" + (f": {hint}" if hint else ""))
