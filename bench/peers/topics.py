"""The rows of every topic, in the order of the report."""

from typing import Any

from bench.peers.coordinator import OURS, Row
from bench.peers.worker import RIVALS
from bench.transformers import ATTENTION, BFLOAT16_LAYERS, LAYERS, MODELS
from bench.workloads import (
    BFLOAT16,
    PEERS_INFERENCE,
    PEERS_PADDING,
    RECURRENT,
    ROUNDED_PROGRAMS,
    SERVED,
    SESSION_STEPS,
    STEPS,
    TUTORIAL,
    VARIANTS,
    Import,
    ServedLayer,
    SessionStep,
    Step,
    Tutorial,
)

BESIDE = "ratio"  # the column of ours against ours
ROUNDED = 0.05  # how far answers of products of bfloat16 may lie apart

TITLES = {
    "training": "Training: forward and backward",
    "inference": "Inference of whole sequences",
    "bfloat16": "Products of bfloat16",
    "transformers": "Transformers",
    "models": "Language models",
    "steps": "Single steps of batch 1 from Python, the state carried",
    "tutorial": "The tutorial's model",
    "programs": "Compiled programs",
    "padding": "`pad_sequences`",
    "import": "Import, beyond NumPy's",
    "variants": "Ours against ours",
}
NOTES = {
    "training": (
        "Gradients of all weights and of the input for a random output gradient, no optimizer."
    ),
    "inference": "ONNX Runtime is given its inputs with time before batch, as it wants them.",
    "bfloat16": (
        "`mixed_bfloat16` on the layers above; the ratio is that of our own float32. PyTorch "
        "computes in bfloat16 throughout or under autocast, whichever is faster."
    ),
    "transformers": (
        "Training gives the gradients of all weights and of the input. Attention is causal; "
        "PyTorch's is `scaled_dot_product_attention`."
    ),
    "models": (
        "A training step with AdamW and clipped gradients, and greedy writing from a cache, per "
        "token: ours by `train_on_batch` and `generate`, PyTorch's by hand."
    ),
    "steps": "Medians per step of 100 steps in a row; inputs are in each library's own arrays.",
    "tutorial": (
        "4,096 samples of 80 word ids, batches of 32: an epoch of `fit` (after one that is not "
        "counted), `fit` without `recurrent_dropout`, `predict` of all and of one sample. PyTorch "
        "is a loop by hand; its LSTM has neither dropout, and is the same in both rows of `fit`."
    ),
    "programs": (
        "The tutorial's model for one sample and for 32, and steps through a session, all from "
        "Python through the public API; ONNX Runtime with its inputs and outputs bound, PyTorch "
        "eager, Keras by `predict` or `predict_on_batch`. The ratio of rows of bfloat16 and int8 "
        "is that of our own float32: above 1 they are the faster. `python -m bench.latency` has "
        "the rest: tails, threads, start, size."
    ),
    "padding": "100,000 ragged sequences of 1 to 199 numbers to 100. Keras' is plain NumPy.",
    "import": "A fresh process each time, files in the system's cache.",
    "variants": (
        "Training, B32 I128 H128 LSTM. The ratio is that of the time of the variant to the time "
        "of what it is compared with, so that below 1 the variant is the faster."
    ),
}


def named(workload: Any) -> str:
    """A row's heading."""
    if isinstance(workload, SessionStep):
        rounded = "" if workload.dtype == "float32" else f" {workload.dtype}"
        return f"step {workload.cell} H{workload.units}{rounded}"
    if isinstance(workload, ServedLayer):
        return f"{workload.group} {workload.dtype}"
    if isinstance(workload, Step):
        return f"{workload.name.split('-')[0]} {workload.cell} H{workload.units}"
    return str(getattr(workload, "group", workload.name))


def beside_all(topic: str, workload: Any, agree: bool = True, rounds: int | None = None) -> Row:
    rivals = {rival: workload for rival in RIVALS if rival != OURS}
    return Row(topic, named(workload), workload, rivals, agree=agree, rounds=rounds)


def rows() -> list[Row]:
    found = [beside_all("training", w) for w in RECURRENT if w.train]
    found += [beside_all("inference", w) for w in PEERS_INFERENCE]
    for rounded, exact in (*BFLOAT16, *BFLOAT16_LAYERS):
        pair = {BESIDE: exact, "PyTorch": rounded}
        found.append(
            Row("bfloat16", named(rounded), rounded, pair, {BESIDE: OURS}, tolerance=ROUNDED)
        )
    found += [beside_all("transformers", w) for w in (*LAYERS, *ATTENTION)]
    found += [beside_all("models", w, agree=False, rounds=3) for w in MODELS]
    found += [beside_all("steps", w) for w in STEPS]
    found += [beside_all("tutorial", w, agree=not w.train, rounds=few(w)) for w in TUTORIAL]
    found += [beside_all("programs", w) for w in (*SERVED, *SESSION_STEPS)]
    for rounded, exact in ROUNDED_PROGRAMS:
        pair = {BESIDE: exact}
        found.append(
            Row("programs", named(rounded), rounded, pair, {BESIDE: OURS}, tolerance=ROUNDED)
        )
    found += [beside_all("padding", w) for w in PEERS_PADDING]
    found.append(beside_all("import", Import(), agree=False, rounds=3))
    for variant, against in VARIANTS:
        label = f"{variant.name} / {against.name}"
        pair = {BESIDE: variant}
        found.append(Row("variants", label, against, pair, {BESIDE: OURS}, agree=False))
    return found


def few(w: Tutorial) -> int | None:
    """An epoch takes many seconds on some of the rivals."""
    return 3 if w.samples > 1 else None


def chosen(names: set[str]) -> list[Row]:
    """Rows whose topic or name is among the names; all of them when there are none."""
    return [r for r in rows() if not names or r.topic in names or r.workload.name in names]


def known() -> set[str]:
    """Every name that may be chosen."""
    found = rows()
    return {r.topic for r in found} | {r.workload.name for r in found} | {"scaling"}
