"""`compile`, `fit`, `evaluate` and `predict`: Keras' arguments around `fastgrok.training.fit`."""

import copy
import math
import time
import warnings
from typing import Any

import numpy as np

from .. import training
from ..errors import ShapeError, StateError
from ..tensor import Tensor
from ..training.loop import evaluating
from . import losses, metrics, optimizers
from .arrays import Batches, Samples, Targets, class_weights, samples, split_end
from .hooks import Bridge, CallbackList, History
from .layers.base import refuse
from .learner import Learner, Measures
from .progress import Bar, describe

__all__ = ["Trainer"]


class Trainer:
    """The methods of a model that train it and measure how good it is."""

    optimizer: Any = None
    loss: Any = None
    stop_training = False
    history: Any = None
    name: str
    built: bool
    weights: list[Any]
    input_shape: Any
    output_shape: Any
    _compiled: dict[str, Any] | None = None
    _measures: Measures | None = None

    # ------------------------------------------------------------------------------------------------- compile

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """Say how to train: with which optimizer, loss and metrics, each a name or an object.

        `run_eagerly`, `jit_compile` and `steps_per_execution` are taken and change nothing: kernels are compiled.

        Raises
        ------
        ValueError, TypeError
            For unknown names, or what is neither a name nor an object.
        """
        for name in ("run_eagerly", "jit_compile", "steps_per_execution", "auto_scale_loss"):
            kwargs.pop(name, None)
        refuse(self, kwargs, loss_weights=None)
        if kwargs:
            raise TypeError(f"compile: unknown argument {next(iter(kwargs))!r}")
        for name, value in (("loss", loss), ("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if isinstance(value, dict) and "class_name" not in value:  # which files have
                raise NotImplementedError(f"compile: {name} is a dict; expected one for the one output that there is")
        if isinstance(loss, list | tuple) and len(loss) == 1:  # one for each output
            loss = loss[0]
        chosen = optimizers.get(optimizer), None if loss is None else losses.get(loss)
        lists = [value if isinstance(value, list | tuple) else [] if value is None else [value]
                 for value in (metrics, weighted_metrics)]  # fmt: skip
        lists = [value[0] if len(value) == 1 and isinstance(value[0], list | tuple) else value for value in lists]
        for metric in (*lists[0], *lists[1]):
            _metric(metric, (), ())  # unknown names are told here and not by fit
        self.optimizer, self.loss = chosen
        self._compiled = {"loss": loss, "metrics": lists[0], "weighted_metrics": lists[1]}
        self._measures = None

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._compiled is not None

    @property
    def optimized_weights(self) -> list[Any]:
        """The weights that the optimizer is made for; those of frozen layers get no gradients."""
        return [weight for weight in self.weights if weight.trainable]

    def compile_config(self) -> dict[str, Any] | None:
        """Return the arguments of `compile` for a file; None where a loss, metric or schedule is one of your own."""
        if self._compiled is None:
            return None
        lists = {name: self._compiled[name] for name in ("metrics", "weighted_metrics")}
        measured = {name: [metrics.serialize(metric) for metric in given] or None for name, given in lists.items()}
        loss = losses.serialize(self._compiled["loss"])
        if self.optimizer.schedule is not None or None in (loss, *(measured["metrics"] or ()),
                                                           *(measured["weighted_metrics"] or ())):  # fmt: skip
            return None
        kind = type(self.optimizer).__name__
        config = {"module": "keras.optimizers", "class_name": kind, "config": self.optimizer.get_config(),
                  "registered_name": None}  # fmt: skip
        return {"optimizer": config, "loss": loss, **measured}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what `compile_config`, or Keras, wrote."""
        names = ("optimizer", "loss", "metrics", "weighted_metrics")
        self.compile(**{name: config[name] for name in names if config.get(name) is not None})

    def _ready(self, caller: str) -> None:
        if self._compiled is None or self.loss is None:
            missing = "a loss" if self._compiled is not None else "the model is not compiled"
            raise StateError(
                f"{caller}: {missing}: call compile(optimizer, loss, metrics) first" if self._compiled is None else
                f"{caller}: the model was compiled without a loss: call compile(optimizer, loss) first"
            )  # fmt: skip

    def _measuring(self, y: np.ndarray) -> Measures:
        """Return loss and metrics, made when the first targets are known."""
        if self._measures is None:
            compiled: Any = self._compiled
            plain, weighted = (
                [_metric(metric, y.shape, tuple(self.output_shape)) for metric in compiled[name]]
                for name in ("metrics", "weighted_metrics")
            )
            taken = {"loss"}
            for metric in weighted:
                if metric.name in {other.name for other in plain}:
                    metric.name = f"weighted_{metric.name}"
            for metric in (*plain, *weighted):
                name, count = metric.name, 1
                while metric.name in taken:
                    metric.name, count = f"{name}_{count}", count + 1
                taken.add(metric.name)
            self._measures = Measures(plain, weighted)
        return self._measures

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns, in its order."""
        return ["loss"] if self._measures is None else list(self._measures.logs())

    @property
    def metrics(self) -> list[metrics.Metric]:
        """The mean of the loss, and the metrics that `compile` was given; known from the first targets on."""
        found = self._measures
        return [] if found is None else [found.loss, *found.plain, *found.weighted]

    def reset_metrics(self) -> None:
        """Forget what was measured."""
        for metric in self.metrics:
            metric.reset_state()

    # ------------------------------------------------------------------------------------------------- fit

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        **kwargs: Any,
    ) -> History:
        """Train on arrays for so many epochs; returns the `History`, which has what was measured and plots it.

        Parameters
        ----------
        x, y : arrays with as many samples; or x a TensorDataset of both
        batch_size : int
            Samples per update; 32 by default.
        epochs, initial_epoch : int
            The number of the epoch to end with (not how many more), and of the one to begin with.
        verbose : 0, 1, 2 or "auto"
            Nothing; a progress bar and a line per epoch; a line per epoch.
        callbacks : list of callbacks.Callback
        validation_split : float
            The part at the end of the data, before it is shuffled, that is only measured.
        validation_data : (x, y) or (x, y, weights)
            In its stead.
        shuffle : bool
            A new order in every epoch.
        class_weight, sample_weight : dict, or array (N,)
            Factors for the loss of samples.
        validation_batch_size, validation_freq : int
            Of the validation: samples at a time, and epochs from one to the next (or a list of their numbers, from 1).

        Raises
        ------
        StateError
            When the model is not compiled.
        ValueError
            When data and model do not fit together, or an argument makes no sense.
        """
        self._ready("fit")
        refuse(self, kwargs, steps_per_epoch=None, validation_steps=None)
        if kwargs:
            raise TypeError(f"fit: unknown argument {next(iter(kwargs))!r}")
        size = _count("fit", "batch_size", 32 if batch_size is None else batch_size)
        if not isinstance(validation_freq, list | tuple | set):
            _count("fit", "validation_freq", validation_freq)
        _count("fit", "epochs", epochs)
        if isinstance(initial_epoch, bool) or not isinstance(initial_epoch, int | np.integer) or initial_epoch < 0:
            raise ValueError(f"fit: initial_epoch={initial_epoch!r}, expected a whole number of at least 0")
        if not isinstance(shuffle, bool):
            raise NotImplementedError(f"fit: shuffle={shuffle!r} is not covered, expected True or False")
        data, held_out = self._data(x, y, sample_weight, class_weight, validation_split, validation_data)
        learner, measures = Learner(self), self._measuring(data.y)  # type: ignore[arg-type]
        batches = Batches(data, size, shuffle, self.loss.classes(data.y) if learner.folds else None)

        def loss(output: Tensor, targets: Targets) -> Tensor:
            value = learner.loss(output, targets)
            measures.update(value.item(), targets, learner.outputs(output, measures))
            return value if value.requires_grad else value.requires_grad_()  # all layers are frozen: only measured

        history = History()
        if initial_epoch >= epochs:
            warnings.warn(
                f"fit: nothing is trained, as initial_epoch={initial_epoch} and epochs={epochs}, which is the number "
                "of the last epoch and not how many more",
                stacklevel=2,
            )
            self.history = history
            return history
        bridge = Bridge(self, CallbackList(callbacks), history, measures, initial_epoch, epochs, verbose)

        def validate(_: Any) -> float:
            epoch = bridge.epoch + 1
            if isinstance(validation_freq, int | np.integer):
                wanted = (epoch - initial_epoch) % validation_freq == 0
            else:
                wanted = epoch in validation_freq
            if held_out is None or not wanted:
                return math.nan
            logs = self._measure(held_out, validation_batch_size or size, _fresh(measures), bridge.callbacks)
            bridge.validation = {f"val_{name}": value for name, value in logs.items()}
            return logs["loss"]

        self.stop_training, self.history = False, history
        optimizer = self.optimizer.build(self.optimized_weights)
        hung_in: list[Any] = [bridge, history]
        if verbose not in (0, False):
            hung_in.append(Bar(bridge, per_step=verbose != 2))
        try:
            run = training.fit(
                learner, loss, optimizer, batches, epochs=epochs - initial_epoch,
                validate=None if held_out is None else validate, callbacks=hung_in, stop_on_nan=False,
            )  # fmt: skip
        finally:
            self.eval()  # type: ignore[attr-defined]
        if run.interrupted:
            raise KeyboardInterrupt(run.stopped)
        return history

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Update the weights once, and return the loss, or a list of it and the metrics, of this batch."""
        self._ready("train_on_batch")
        data, _ = self._data(x, y, sample_weight, class_weight, 0.0, None, "train_on_batch")
        learner, measures = Learner(self), self._measuring(data.y)  # type: ignore[arg-type]
        measures.reset()
        optimizer = self.optimizer.build(self.optimized_weights)
        ((inputs, targets),) = Batches(data, len(data.x))
        learner.train()
        try:
            output = learner(inputs)
            loss = learner.loss(output, targets)
            measures.update(loss.item(), targets, learner.outputs(output, measures))
            optimizer.zero_grad()
            if loss.requires_grad:
                loss.backward()
            optimizer.step()
        finally:
            learner.eval()
        return _returned(measures.logs(), return_dict)

    # ------------------------------------------------------------------------------------------------- use

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        return_dict: bool = False,
        callbacks: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return the loss, or a list of it and the metrics (a dictionary with `return_dict`), without training."""
        self._ready("evaluate")
        refuse(self, kwargs, steps=None)
        data, _ = self._data(x, y, sample_weight, None, 0.0, None, "evaluate")
        size = _count("evaluate", "batch_size", 32 if batch_size is None else batch_size)
        began = time.monotonic()
        measures = _fresh(self._measuring(data.y))  # type: ignore[arg-type]
        around = CallbackList(callbacks, self)
        logs = self._measure(data, size, measures, around)
        if verbose not in (0, False):
            print(describe(len(Batches(data, size)), time.monotonic() - began, logs), flush=True)
        return _returned(logs, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Return what `evaluate` does, for one batch."""
        count = len(x)
        return self.evaluate(x, y, count, 0, sample_weight, return_dict)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = "auto", callbacks: Any = None, **kwargs: Any
    ) -> np.ndarray:
        """Return the outputs for all inputs as an array; nothing is printed, whatever `verbose` is."""
        refuse(self, kwargs, steps=None)
        data = samples("predict", x, needs_y=False)
        size = _count("predict", "batch_size", 32 if batch_size is None else batch_size)
        data = data._replace(x=self._fit_inputs("predict", data.x))
        around = CallbackList(callbacks, self)
        around.call("on_predict_begin")
        with evaluating(self) as model:
            outputs = []
            for k, (inputs, _) in enumerate(Batches(data, size)):
                around.batch("on_predict_batch_begin", k)
                outputs.append(model(inputs).numpy())
                around.batch("on_predict_batch_end", k, lambda: {"outputs": outputs[-1]})
        around.call("on_predict_end")
        return np.concatenate(outputs)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """Return what `predict` does, for one batch."""
        return self.predict(x, len(x))

    def _measure(self, data: Samples, size: int, measures: Measures, around: CallbackList) -> dict[str, float]:
        """Return loss and metrics over all samples."""
        learner = Learner(self)
        around.call("on_test_begin")
        with evaluating(learner):
            for k, (inputs, targets) in enumerate(Batches(data, size)):
                around.batch("on_test_batch_begin", k)
                output = learner(inputs)
                measures.update(learner.loss(output, targets).item(), targets, learner.outputs(output, measures))
                around.batch("on_test_batch_end", k, measures.logs)
        logs = measures.logs()
        around.call("on_test_end", logs)
        return logs

    # ------------------------------------------------------------------------------------------------- checks

    def _data(
        self, x: Any, y: Any, weights: Any, by_class: Any, split: float, other: Any, caller: str = "fit"
    ) -> tuple[Samples, Samples | None]:
        """Return data, and data held out, that are checked against the model."""
        if weights is not None and by_class is not None:
            raise ValueError(f"{caller}: sample_weight and class_weight given, expected one of them")
        data, held_out = samples(caller, x, y, weights), None
        if other is not None:
            if not isinstance(other, tuple | list) or len(other) not in (2, 3):
                other = (other,) if not isinstance(other, tuple | list) and hasattr(other, "tensors") else None
            if other is None:
                raise ValueError(f"{caller}: validation_data, expected a tuple (x, y) or (x, y, sample_weight)")
            held_out = samples(f"{caller} (validation_data)", *other)
        elif split:
            data, held_out = split_end(data, split)
        if by_class is not None:
            data = data._replace(weights=class_weights(data.y, by_class))  # type: ignore[arg-type]
        data = data._replace(x=self._fit_inputs(caller, data.x))
        if held_out is not None:
            held_out = held_out._replace(x=self._fit_inputs(f"{caller} (validation_data)", held_out.x))
        for part in (data, held_out):
            if part is not None:
                losses.check_targets(self.loss, part.y, tuple(self.output_shape))  # type: ignore[arg-type]
        return data, held_out

    def _fit_inputs(self, caller: str, x: np.ndarray) -> np.ndarray:
        """Build the model for inputs if need be, and return them; raise `ShapeError` when it is built for others.

        As in Keras, an axis of size 1 at the end is added where the model has one more, and taken away in turn.
        """
        if not self.built:
            self.build((None, *x.shape[1:]))  # type: ignore[attr-defined]
        expected = tuple(self.input_shape)
        if x.ndim == len(expected) - 1 and expected[-1] == 1:
            x = x[..., None]
        elif x.ndim == len(expected) + 1 and x.shape[-1] == 1:
            x = x[..., 0]
        if len(x.shape) != len(expected) or any(
            b is not None and a != b for a, b in zip(x.shape[1:], expected[1:], strict=True)
        ):
            wanted = ("n", *("any" if size is None else size for size in expected[1:]))
            sizes = [size for size in expected[1:] if size is not None]
            same = None not in expected[1:] and math.prod(x.shape[1:]) == math.prod(sizes)
            hint = f": use x.reshape({', '.join(map(str, (len(x), *expected[1:])))})" if same else ""
            raise ShapeError(
                f"{caller}: x has shape {x.shape}, but {self.name} takes ({', '.join(map(str, wanted))}){hint}"
            )
        return x


def _fresh(measures: Measures) -> Measures:
    """Return the same metrics, from the beginning, beside those that a running epoch fills."""
    other = copy.deepcopy(measures)
    other.reset()
    return other


def _metric(identifier: Any, targets: tuple[int, ...], outputs: tuple[int, ...]) -> metrics.Metric:
    return metrics.get(identifier, targets, outputs)


def _returned(logs: dict[str, float], return_dict: bool) -> Any:
    values = list(logs.values())
    return logs if return_dict else values if len(values) > 1 else values[0]


def _count(caller: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{caller}: {name}={value!r}, expected a positive whole number")
    return int(value)
