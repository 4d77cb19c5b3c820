"""What differs from Keras on purpose, in words. A difference that is not here fails the tests."""

from __future__ import annotations

NO_LORA = "no low-rank adaptation or quantization of a trained layer"

# (topic, name) -> how it differs.
KNOWN: dict[tuple[str, str], str] = {
    ("activations", "sparsemax"): "as in the paper: rows add up to one",
    (
        "metrics",
        "SparseCategoricalCrossentropy",
    ): "entries of `ignore_class` do not count in the mean, as in the loss",
    ("utils", "timeseries_dataset_from_array"): "makes batches of arrays, not a tf.data.Dataset",
    ("regularizers", "l1_l2"): "penalises without arguments too, as in Keras 2",
}

# Of these, the ones whose numbers differ.
NUMBERS_DIFFER = {
    ("activations", "sparsemax"),
    ("metrics", "SparseCategoricalCrossentropy"),
}

# Arguments that Keras' signature has and ours has not, wherever they appear.
ARGUMENTS: dict[str, str] = {
    "lora_rank": NO_LORA,
    "lora_alpha": NO_LORA,
    "quantization_config": NO_LORA,
    "gptq_unpacked_column_size": NO_LORA,
}

# Names without a comparison of their numbers, and why.
NO_NUMBERS: dict[tuple[str, str], str] = {
    ("layers", "Layer"): "the base class",
    ("layers", "Wrapper"): "the base class of wrappers",
    ("layers", "Input"): "no numbers",
    ("layers", "InputLayer"): "no numbers",
    ("layers", "InputSpec"): "no numbers",
    ("losses", "Loss"): "the base class",
    ("metrics", "Metric"): "the base class",
    ("metrics", "MeanMetricWrapper"): "takes a function",
    ("optimizers", "Optimizer"): "the base class",
    ("optimizers", "LossScaleOptimizer"): "test_keras_optimizers.py follows its state",
    ("optimizers.schedules", "LearningRateSchedule"): "the base class",
    ("initializers", "Initializer"): "the base class",
    ("regularizers", "Regularizer"): "the base class",
    ("constraints", "Constraint"): "the base class",
}
