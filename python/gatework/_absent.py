"""Names of Keras that are not here, and why: what is not about sequences."""

from __future__ import annotations

import re
import sys
from types import FrameType
from typing import NoReturn

from ._suggest import nearest

__all__ = ["reason", "refuse"]

_IMAGES = "it works on images or volumes, not on sequences"
_AUGMENTATION = "it changes images, and this package is about sequences"
_PREPARATION = "data is prepared before it comes to a model, not by a layer"
_FRAMEWORK = "it runs another framework inside a model"
_SEGMENTS = "it compares segments of images"
_SPECTROGRAM = "spectrograms are computed before data comes to a model"

# By topic: names, or patterns of them, and the reason.
_REASONS: dict[str, tuple[tuple[str, str], ...]] = {
    "layers": (
        (r"\w*[23]D(Transpose)?", _IMAGES),
        (r"ConvLSTM1D", "its states have an axis of space beside that of time"),
        (
            r"Random\w+|RandAugment|AugMix|CutMix|MixUp|AutoContrast|Equalization|Solarization"
            r"|ContrastLimitedAdaptiveHistogramEqualization|CenterCrop|Resizing"
            r"|MaxNumBoundingBoxes",
            _AUGMENTATION,
        ),
        (
            r"CategoryEncoding|Discretization|HashedCrossing|Hashing|IntegerLookup|StringLookup"
            r"|TextVectorization|Normalization|Rescaling|Pipeline",
            _PREPARATION,
        ),
        (r"MelSpectrogram|STFTSpectrogram", _SPECTROGRAM),
        (r"SpectralNormalization", "it serves generative models of images"),
        (r"TorchModuleWrapper|TFSMLayer|JaxLayer|FlaxLayer", _FRAMEWORK),
    ),
    "initializers": ((r"STFT|stft|STFTInitializer", _SPECTROGRAM),),
    "metrics": ((r"\w*IoU", _SEGMENTS),),
    "optimizers": (
        (r"MultiOptimizer|OptimizerMap", "two optimizers can be applied in a train_step"),
        (r"legacy", "the optimizers of Keras 2 are read from files as those of Keras 3"),
    ),
    "callbacks": (
        (r"OrbaxCheckpoint", "it writes files of another framework; use ModelCheckpoint"),
        (r"RemoteMonitor", "it sends to a server; use LambdaCallback"),
    ),
    "samplers": (
        (r"ContrastiveSampler|contrastive", "it compares hidden states, which no model shows"),
    ),
    "utils": (
        (
            r"array_to_img|img_to_array|load_img|save_img|image_dataset_from_directory"
            r"|bounding_boxes",
            _IMAGES,
        ),
        (r"(audio|text)_dataset_from_directory", "it makes a tf.data.Dataset"),
        (r"get_file", "it downloads; fetch files before training"),
        (r"FeatureSpace", _PREPARATION),
        (r"\w*interactive_logging\w*", "the argument verbose says what is shown"),
        (r"is_keras_tensor", "isinstance(x, gatework.KerasTensor) tells"),
        (r"standardize_dtype", "numpy.dtype(x).name is the same"),
        (r"Config", "types.SimpleNamespace is the same"),
        (r"get_source_inputs", "it is a leftover of Keras 2"),
    ),
}


def reason(topic: str, name: str) -> str | None:
    """Why a name of Keras is not in a module, such as "layers"; None for any other name."""
    for pattern, why in _REASONS.get(topic, ()):
        if re.fullmatch(pattern, name):
            return why
    return None


def refuse(topic: str, name: str) -> NoReturn:
    """What a module's ``__getattr__`` ends in.

    Raises:
        AttributeError: the module has no such name; the message says why if Keras has it, and
            which of the module's names come nearest if it has not.
        ImportError: the same, in a ``from ... import``, which drops an AttributeError's message.
    """
    why = reason(topic, name)
    module = sys.modules[f"gatework.{topic}"]
    hint = f": {why}" if why else "" if name[:1] in ("", "_") else nearest(name, module.__all__)
    message = f"module 'gatework.{topic}' has no attribute '{name}'{hint}"
    if hint and _is_import(sys._getframe(2)):
        raise ImportError(message, name=f"gatework.{topic}")
    raise AttributeError(message)


def _is_import(frame: FrameType) -> bool:
    """Whether a frame stands at the part of a ``from ... import`` that takes the name."""
    import dis

    return frame.f_code.co_code[frame.f_lasti] == dis.opmap["IMPORT_FROM"]
