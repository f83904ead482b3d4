"""`.keras` files: `metadata.json`, `config.json`, `model.weights.h5` and `assets/`, as Keras 3 and tf.keras 2.12 and later write them.

The members lie in a zip archive without compression, in a folder (`zipped=False`), or in a mapping of names to bytes. A file selects
the generation: the model in it is built and compiled as the release that wrote it would have done.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

import h5py

from kcompat import registry
from kcompat.atomic import disk_errors, replacing
from kcompat.core.context import weight_budget
from kcompat.errors import FileError
from kcompat.files import compiled, json_text, state
from kcompat.files.building import built, compile_as_stored, errors_of_the_file, version_of
from kcompat.files.hdf5 import open_file
from kcompat.files.lambdas import with_stored_functions
from kcompat.files.legacy_writer import as_json
from kcompat.files.members import Members, open_members
from kcompat.files.objects import walk
from kcompat.files.upgrade import Context
from kcompat.generations import keras_version_scope, released

METADATA, CONFIG, WEIGHTS, ASSETS = "metadata.json", "config.json", "model.weights.h5", "assets"
_NO_FIT = "The weights in the file do not fit the model in it"
Build = Callable[[dict[str, Any], Mapping[str, Any] | None], Any]


# -- reading -----------------------------------------------------------------------------------------------------------


def load_model(
    source: Any, build: Build, custom_objects: Mapping[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model in a `.keras` archive, folder or mapping, with its weights and, where `compile` is true, what it was compiled with.

    Raises `FileError` for whatever is wrong with the file, `UnsafeFileError` where it wants to run code or reach out of itself.
    """
    custom = dict(custom_objects or {})
    with open_members(source) as members:
        version = keras_version(members)
        stored = json_text.parse_dict(members.text(CONFIG), f"The member '{CONFIG}'")
        context = Context(version, custom, safe_mode)
        content = members.view(WEIGHTS)
        with open_file(content) as root, keras_version_scope(version):
            file = state.StateFile([root])
            config = {key: value for key, value in stored.items() if key != "compile_config"}
            with weight_budget(2 * len(content) + 65536):  # float16 files make float32 models; small states are not stored
                model = built(build, config, context)
            with asset_folders(members) as assets, errors_of_the_file(_NO_FIT):
                if model.built or any(file.at(path) for path, _ in walk(model, version)):  # else it was saved before it had weights
                    state.load(model, file, version, assets=assets)
            training = stored.get("compile_config")
            if compile and training:
                if not isinstance(training, dict):
                    raise FileError(f"`compile_config` in '{CONFIG}' must be a JSON object, it is {training!r}.")
                compile_as_stored(model, training, context)
                compiled.restore_optimizer(model, [array.copy() for array in file.at("optimizer").in_order()])
    return model


def keras_version(members: Members) -> str:
    """The Keras release that wrote an archive."""
    return version_of(json_text.parse_dict(members.text(METADATA), f"The member '{METADATA}'").get("keras_version"), f"'{METADATA}'")


@contextlib.contextmanager
def asset_folders(members: Members) -> Iterator[Callable[[str], str | None] | None]:
    """A function that puts the assets of the object at a path into a folder of their own, which goes when the block ends.

    Only layers that have a `load_assets` get one; names were checked when the archive was opened.
    """
    names = [name for name in members.names() if name.startswith(f"{ASSETS}/")]
    if not names:
        yield None
        return
    with tempfile.TemporaryDirectory() as scratch:

        def folder(path: str) -> str | None:
            prefix = f"{ASSETS}/{path}/" if path else f"{ASSETS}/"
            own = [name for name in names if name.startswith(prefix) and "/" not in name[len(prefix) :]]
            if not own:
                return None
            place = tempfile.mkdtemp(dir=scratch)
            for name in own:
                with open(os.path.join(place, name[len(prefix) :]), "xb") as file:
                    file.write(members.view(name))
            return place

        yield folder


# -- writing -----------------------------------------------------------------------------------------------------------


def save_model(model: Any, target: Any, include_optimizer: bool = True, zipped: bool = True) -> None:
    """Write a model to a path (an archive, or with `zipped=False` a folder), a binary stream, or a mapping of names to bytes."""
    texts = described(model, include_optimizer)
    with disk_errors(target), tempfile.TemporaryDirectory(dir=_neighbourhood(target)) as scratch:
        weights_path, assets_path = os.path.join(scratch, WEIGHTS), os.path.join(scratch, ASSETS)
        with h5py.File(weights_path, "w") as file:
            state.save(
                model, lambda nbytes: file, model._keras_version, with_optimizer=include_optimizer, assets=_asset_writer(assets_path)
            )
        files = {WEIGHTS: weights_path, **_below(assets_path)}
        if isinstance(target, MutableMapping):
            _into_mapping(target, texts, files)
        elif hasattr(target, "write"):
            _into_zip(target, texts, files)
        elif zipped:
            with replacing(target) as temporary, open(temporary, "wb") as stream:
                _into_zip(stream, texts, files)
        else:
            _into_folder(os.fspath(target), texts, files)


def described(model: Any, include_optimizer: bool) -> dict[str, str]:
    """`metadata.json` and `config.json` of a model."""
    with keras_version_scope(model._keras_version), registry.sharing_written():
        config = registry.serialize("layer", model)
    with keras_version_scope(model._keras_version):
        config = with_stored_functions(config)
        config.pop("compile_config", None)
        training = compiled.archived_config(model) if include_optimizer else None
        if training is not None:
            config["compile_config"] = training
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {"keras_version": released(model._keras_version), "date_saved": now}
    return {METADATA: as_json(metadata, "The metadata"), CONFIG: as_json(config, f"The config of model '{model.name}'")}


def _neighbourhood(target: Any) -> str | None:
    """The folder of a file to be written, so that the weights are written to the same disk."""
    folder = os.path.dirname(os.path.realpath(target)) if isinstance(target, (str, os.PathLike)) else None
    if folder is not None and not os.path.isdir(folder):
        raise FileError(f"'{os.fspath(target)}' cannot be written: there is no folder '{folder}'.")
    return folder


def _asset_writer(root: str) -> Callable[[str], str]:
    def folder(path: str) -> str:
        made = os.path.join(root, path)
        os.makedirs(made, exist_ok=True)
        return made

    return folder


def _below(root: str) -> dict[str, str]:
    """Member name -> path of every file below the folder of assets."""
    found = {}
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            full = os.path.join(folder, name)
            found[f"{ASSETS}/{os.path.relpath(full, root)}".replace(os.sep, "/")] = full
    return found


def _into_zip(stream: Any, texts: Mapping[str, str], files: Mapping[str, str]) -> None:
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
        for name, path in files.items():
            archive.write(path, name)


def _into_mapping(target: MutableMapping[str, bytes], texts: Mapping[str, str], files: Mapping[str, str]) -> None:
    content = {name: text.encode("utf-8") for name, text in texts.items()}
    for name, path in files.items():
        with open(path, "rb") as file:
            content[name] = file.read()
    target.update(content)


def _into_folder(target: str, texts: Mapping[str, str], files: Mapping[str, str]) -> None:
    """The folder is made aside and takes its name when it is complete; one that was there goes then."""
    if os.path.exists(target) and not os.path.isdir(target):
        raise FileError(f"'{target}' cannot be written as a folder: there is a file of this name.")
    if os.path.isdir(target) and os.listdir(target) and not os.path.isfile(os.path.join(target, CONFIG)):
        raise FileError(f"'{target}' is a folder with other things in it, which `save` does not replace.")
    aside = tempfile.mkdtemp(dir=os.path.dirname(os.path.realpath(target)))
    try:
        os.chmod(aside, 0o755)
        for name, text in texts.items():
            with open(os.path.join(aside, name), "w", encoding="utf-8") as file:
                file.write(text)
        for name, path in files.items():
            os.makedirs(os.path.dirname(os.path.join(aside, name)), exist_ok=True)
            shutil.copyfile(path, os.path.join(aside, name))
        if os.path.isdir(target):
            old = tempfile.mkdtemp(dir=os.path.dirname(os.path.realpath(target)))
            os.rename(target, os.path.join(old, "old"))
            os.rename(aside, target)
            shutil.rmtree(old)
        else:
            os.rename(aside, target)
    except OSError as error:
        raise FileError(f"'{target}' cannot be written: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
