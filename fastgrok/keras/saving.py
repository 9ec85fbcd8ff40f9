"""Files: whole models and weights alone, in formats that Keras reads as well.

- `model.save_weights("x.weights.h5")` writes Keras' own HDF5 layout: `load_weights` of Keras and of fastgrok read it.
  It takes h5py (`pip install h5py`).
- `model.save_weights("x.safetensors")` needs nothing else. The arrays stand under "0.kernel", "0.bias", "1.kernel", ...
  in the order of `get_weights`, in Keras' layout; on the other side,
  `model.set_weights(list(safetensors.numpy.load_file("x.safetensors").values()))` takes them after sorting by number.
- `model.save("x.keras")` writes Keras' archive: the layers as JSON, the weights and what the optimizer keeps as HDF5;
  Keras' `load_model` reads it. `model.save("x.safetensors")` holds the same in one file without h5py.

A model that `load_model` returns is compiled as the saved one was, and `fit` goes on with the optimizer's running means
where it ended, here as in Keras. Files of weights alone leave the optimizer as it is.
"""

import io
import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..training.files import write_atomically
from . import layers as kinds
from .naming import choose, snake_case

__all__ = ["load_model", "load_weights", "places", "save_model", "save_weights"]

_KEY = "keras"  # of the metadata of a safetensors file


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Write the weights; raises `ValueError` for another ending, and before the model is built."""
    path = _target(model, filepath, overwrite, (".weights.h5", ".safetensors"), "save_weights")
    write_atomically(path, _hdf5(model, []) if path.name.endswith(".h5") else _tensors(model, {}, []))


def load_weights(model: Any, filepath: Any) -> None:
    """Read weights into a model of the same layers; raises `ValueError` when they are others."""
    path = _source(filepath, (".weights.h5", ".safetensors"), "load_weights")
    if not model.built:
        raise ValueError(f"load_weights: {model.name} has no weights yet: begin with layers.Input, or call it once")
    if path.name.endswith(".h5"):
        _read_hdf5(model, path.read_bytes(), str(path))
    else:
        model.set_weights(_read_tensors(path)[0])


def save_model(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Write layers, weights, how the model was compiled and the optimizer; raises `ValueError` for another ending."""
    path = _target(model, filepath, overwrite, (".keras", ".safetensors"), "save")
    config = {
        "module": "keras",
        "class_name": "Sequential",
        "config": model.get_config(),
        "registered_name": None,
        "build_config": {"input_shape": model.input_shape},
        "compile_config": model.compile_config(),
    }
    if model.compiled and config["compile_config"] is None:
        warnings.warn(
            "save: the loss, a metric or the learning rate is a function of your own, which a file cannot hold: after "
            "load_model, call compile; the optimizer begins anew",
            stacklevel=3,
        )
    optimizer = _optimizer_variables(model) if config["compile_config"] else []
    if path.suffix == ".safetensors":
        write_atomically(path, _tensors(model, config, optimizer))
        return
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.0.0", "date_saved": ""}))
        file.writestr("config.json", json.dumps(config))
        file.writestr("model.weights.h5", _hdf5(model, optimizer))
    write_atomically(path, archive.getvalue())


def load_model(filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True) -> Any:
    """Return the model of a file that `save` wrote, or Keras' `save` for a Sequential model of the covered layers.

    `custom_objects` has layers of your own by the names of their classes.

    Raises `ValueError` when it is another file, and `FileNotFoundError` when there is none.
    """
    path = _source(filepath, (".keras", ".safetensors"), "load_model")
    if path.suffix == ".safetensors":
        values, config, optimizer = _read_tensors(path)
        if not config:
            raise ValueError(f"load_model: {path} holds weights alone: make the model, then load_weights")
        model = _made(config, path, custom_objects)
        model.set_weights(values)
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                config = json.loads(archive.read("config.json"))
                content = archive.read("model.weights.h5")
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise ValueError(f"load_model: {path} is no .keras archive: {error}") from None
        model = _made(config, path, custom_objects)
        optimizer = _read_hdf5(model, content, str(path))
    if compile and config.get("compile_config"):
        model.compile_from_config(config["compile_config"])
        if optimizer:
            model.optimizer.build(model.optimized_weights)
            model.optimizer.load_file_variables(model.trainable_weights, optimizer)
    return model


def _optimizer_variables(model: Any) -> list[np.ndarray]:
    """Return what the optimizer keeps, if it has made an update for these weights."""
    optimizer = model.optimizer
    if optimizer is None or optimizer.inner is None or not optimizer.iterations:
        return []
    optimizer.build(model.optimized_weights)
    return optimizer.file_variables(model.trainable_weights)


def _made(config: dict[str, Any], path: Path, custom_objects: dict[str, Any] | None) -> Any:
    """Return a model without its weights from the JSON of a file."""
    if config.get("class_name") != "Sequential":
        raise ValueError(f"load_model: {path} holds a {config.get('class_name')}: only Sequential models are covered")
    return from_config(config["config"], custom_objects)


def from_config(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Return a model of the layers that `get_config` of a model returned; raises `ValueError` for unknown ones."""
    from .models import Sequential  # which imports this module

    known = {**kinds.LAYERS, "Sequential": Sequential, **(custom_objects or {})}
    model = Sequential(name=config.get("name"))
    for entry in config["layers"]:
        kind = choose("layer", entry["class_name"], known)
        if kind is Sequential:
            model.add(from_config(entry["config"], custom_objects))
            continue
        settings = _plain(entry["config"])
        if settings.get("activation") in (custom_objects or {}):
            settings["activation"] = custom_objects[settings["activation"]]  # type: ignore[index]
        model.add(kind.from_config(settings))
    return model


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a layer as Keras wrote them, without what says float32 in its words."""
    config = {name: value for name, value in config.items() if value is not None}
    if isinstance(config.get("dtype"), dict):
        config["dtype"] = config["dtype"].get("config", {}).get("name", "float32")
    if isinstance(config.get("layer"), dict):
        config["layer"] = {**config["layer"], "config": _plain(config["layer"]["config"])}
        config.pop("backward_layer", None)
    return config


def _target(model: Any, filepath: Any, overwrite: bool, endings: tuple[str, ...], caller: str) -> Path:
    path = Path(filepath)
    if not path.name.endswith(endings):
        raise ValueError(f"{caller}: {str(path)!r} ends with something else than {' or '.join(endings)}")
    if not model.built:
        raise ValueError(f"{caller}: {model.name} has no weights yet: begin with layers.Input, or call it once")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{caller}: {path} is there already, and overwrite=False")
    return path


def _source(filepath: Any, endings: tuple[str, ...], caller: str) -> Path:
    path = Path(filepath)
    if not path.name.endswith(endings):
        raise ValueError(f"{caller}: {str(path)!r} ends with something else than {' or '.join(endings)}")
    if not path.exists():
        raise FileNotFoundError(f"{caller}: there is no file {path}")
    return path


# ------------------------------------------------------------------------------------------------- safetensors


def _tensors(model: Any, config: dict[str, Any], optimizer: list[np.ndarray]) -> bytes:
    from safetensors.numpy import save

    arrays = {
        f"{k}.{part.replace('/', '.')}{'.' if part else ''}{weight.name}": np.array(weight.numpy(), order="C")
        for k, layer in enumerate(model.layers)
        for part, weights in layer.saved_parts()
        for weight in weights
    }
    order = json.dumps(list(arrays))  # the file sorts by size of elements and name
    arrays |= {f"optimizer.{k}": np.array(array, order="C") for k, array in enumerate(optimizer)}
    return save(arrays, {_KEY: json.dumps(config), "order": order})


def _read_tensors(path: Path) -> tuple[list[np.ndarray], dict[str, Any], list[np.ndarray]]:
    """Return the weights, the metadata and what is there of an optimizer."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            names = json.loads(metadata["order"]) if "order" in metadata else sorted(file.keys())
            kept = [name for name in file.keys() if name.startswith("optimizer.")]
            optimizer = [file.get_tensor(f"optimizer.{k}") for k in range(len(kept))]
            return [file.get_tensor(name) for name in names], json.loads(metadata.get(_KEY, "{}")), optimizer
    except SafetensorError as error:
        raise ValueError(f"{path} cannot be read as a safetensors file: {error}") from None


# ------------------------------------------------------------------------------------------------- HDF5


def places(model: Any) -> list[tuple[str, list[Any]]]:
    """Return the groups of Keras' files with the weights in each: layers/<class in lower case, numbered>/.../vars."""
    counts: dict[str, int] = {}
    places = []
    for layer in model.layers:
        name = snake_case(type(layer).__name__)
        counts[name] = counts.get(name, -1) + 1
        group = f"layers/{name}_{counts[name]}" if counts[name] else f"layers/{name}"
        for part, weights in layer.saved_parts():
            places.append((f"{group}/{part}/vars" if part else f"{group}/vars", weights))
    return places


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise ImportError(
            "Keras' files (.keras, .weights.h5) take h5py: pip install h5py; those that end with .safetensors do not"
        ) from None
    return h5py


def _hdf5(model: Any, optimizer: list[np.ndarray]) -> bytes:
    content = io.BytesIO()
    with _h5py().File(content, "w") as file:
        for place, weights in places(model):
            group = file.require_group(place)
            for k, weight in enumerate(weights):
                group.create_dataset(str(k), data=np.array(weight.numpy(), order="C"))
        for k, array in enumerate(optimizer):
            file.require_group("optimizer/vars").create_dataset(str(k), data=array)
    return content.getvalue()


def _read_hdf5(model: Any, content: bytes, path: str) -> list[np.ndarray]:
    """Read the weights; return what is there of an optimizer."""
    values = []
    try:
        file = _h5py().File(io.BytesIO(content), "r")
    except OSError as error:
        raise ValueError(f"{path} cannot be read as an HDF5 file: {error}") from None
    with file:
        for place, weights in places(model):
            group = file.get(place, {})
            if len(group) != len(weights):
                raise ValueError(
                    f"{path} has {len(group)} weights under {place}, where {model.name} has {len(weights)}: it is the "
                    f"file of a model with other layers (it has {', '.join(file.get('layers', {}))})"
                )
            values += [np.asarray(group[str(k)]) for k in range(len(weights))]
        kept = file.get("optimizer/vars", {})
        optimizer = [np.asarray(kept[str(k)]) for k in range(len(kept))]
    model.set_weights(values)
    return optimizer
