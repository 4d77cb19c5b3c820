"""Which optimizers and small models are compared with Keras, as names and arguments only.

A model is a list of (Keras class, arguments) with wrapped layers under the key `layer`. No layer
drops anything out, so both sides see the same computation.
"""

from __future__ import annotations

from typing import Any

Spec = tuple[str, dict[str, Any]]

OPTIMIZERS: dict[str, Spec] = {
    "sgd": ("SGD", {"learning_rate": 0.1}),
    "sgd_momentum": ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    "sgd_nesterov": ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "sgd_weight_decay": ("SGD", {"learning_rate": 0.1, "weight_decay": 0.05}),
    "sgd_clipnorm": ("SGD", {"learning_rate": 0.1, "clipnorm": 0.5}),
    "sgd_clipvalue": ("SGD", {"learning_rate": 0.1, "clipvalue": 0.3}),
    "sgd_global_clipnorm": ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.7}),
    "sgd_ema": (
        "SGD",
        {
            "learning_rate": 0.1,
            "use_ema": True,
            "ema_momentum": 0.6,
            "ema_overwrite_frequency": 2,
        },
    ),
    "rmsprop": ("RMSprop", {"learning_rate": 0.01}),
    "rmsprop_momentum": ("RMSprop", {"learning_rate": 0.01, "rho": 0.8, "momentum": 0.5}),
    "rmsprop_centered": ("RMSprop", {"learning_rate": 0.01, "centered": True}),
    "rmsprop_centered_momentum": (
        "RMSprop",
        {"learning_rate": 0.01, "centered": True, "momentum": 0.9, "epsilon": 1e-4},
    ),
    "rmsprop_weight_decay": ("RMSprop", {"learning_rate": 0.01, "weight_decay": 0.1}),
    "adam": ("Adam", {"learning_rate": 0.02}),
    "adam_betas": ("Adam", {"learning_rate": 0.02, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3}),
    "adam_amsgrad": ("Adam", {"learning_rate": 0.02, "amsgrad": True, "beta_2": 0.5}),
    "adam_weight_decay": ("Adam", {"learning_rate": 0.02, "weight_decay": 0.1}),
    "adam_clipnorm": ("Adam", {"learning_rate": 0.02, "clipnorm": 0.4}),
    "adam_global_clipnorm": ("Adam", {"learning_rate": 0.02, "global_clipnorm": 0.4}),
    "adam_clipvalue": ("Adam", {"learning_rate": 0.02, "clipvalue": 0.1}),
    "adamw": ("AdamW", {"learning_rate": 0.02}),
    "adamw_weight_decay": ("AdamW", {"learning_rate": 0.02, "weight_decay": 0.2}),
    "adamw_amsgrad": ("AdamW", {"learning_rate": 0.02, "amsgrad": True, "beta_2": 0.5}),
}

SCHEDULES: dict[str, Spec] = {
    "exponential": (
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 4, "decay_rate": 0.5},
    ),
    "exponential_staircase": (
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 4, "decay_rate": 0.5, "staircase": True},
    ),
    "inverse_time": (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5},
    ),
    "piecewise": ("PiecewiseConstantDecay", {"boundaries": [3, 6], "values": [0.3, 0.2, 0.1]}),
    "polynomial": (
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 5, "end_learning_rate": 0.01, "power": 2.0},
    ),
    "polynomial_cycle": (
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 4, "cycle": True},
    ),
    "cosine": (
        "CosineDecay",
        {
            "initial_learning_rate": 0.0,
            "decay_steps": 6,
            "alpha": 0.1,
            "warmup_target": 0.2,
            "warmup_steps": 3,
        },
    ),
    "cosine_restarts": (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 3, "t_mul": 2.0, "m_mul": 0.8},
    ),
}

EMBEDDING: Spec = ("Embedding", {"input_dim": 13, "output_dim": 4})
MASKED: Spec = ("Embedding", {"input_dim": 13, "output_dim": 4, "mask_zero": True})

YES_OR_NO: Spec = ("Dense", {"units": 1, "activation": "sigmoid"})
ONE_OF_THREE: Spec = ("Dense", {"units": 3, "activation": "softmax"})

MODELS: dict[str, dict[str, Any]] = {
    "lstm_binary": {
        "layers": [
            EMBEDDING,
            ("LSTM", {"units": 5}),
            YES_OR_NO,
        ],
        "target": "binary",
        "compile": {"loss": "binary_crossentropy", "metrics": ["accuracy"]},
        "optimizer": ("Adam", {"learning_rate": 0.02}),
    },
    "masked_lstm_binary_weighted": {
        "layers": [
            MASKED,
            ("LSTM", {"units": 5}),
            YES_OR_NO,
        ],
        "target": "binary",
        "compile": {
            "loss": "binary_crossentropy",
            "metrics": ["accuracy"],
            "weighted_metrics": ["mae"],
        },
        "optimizer": ("AdamW", {"learning_rate": 0.02}),
        "sample_weight": True,
    },
    "gru_classes": {
        "layers": [
            EMBEDDING,
            ("GRU", {"units": 5}),
            ONE_OF_THREE,
        ],
        "target": "classes",
        "compile": {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        "optimizer": ("RMSprop", {"learning_rate": 0.01}),
        "class_weight": {0: 1.0, 1: 0.5, 2: 2.0},
    },
    "bidirectional_one_hot": {
        "layers": [
            MASKED,
            ("Bidirectional", {"layer": ("LSTM", {"units": 3})}),
            ONE_OF_THREE,
        ],
        "target": "one_hot",
        "compile": {"loss": "categorical_crossentropy", "metrics": ["accuracy"]},
        "optimizer": ("Adam", {"learning_rate": 0.02, "global_clipnorm": 0.5}),
        "validation": True,
    },
    "stacked_language_model": {
        "layers": [
            MASKED,
            ("LSTM", {"units": 4, "return_sequences": True}),
            ("GRU", {"units": 4, "return_sequences": True, "reset_after": False}),
            ("Dense", {"units": 13, "activation": "softmax"}),
        ],
        "target": "next",
        "compile": {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        "optimizer": ("Adam", {"learning_rate": 0.02}),
        "validation": True,
    },
    "rnn_regression": {
        "layers": [
            ("SimpleRNN", {"units": 5, "return_sequences": True, "kernel_regularizer": "l2"}),
            ("Bidirectional", {"layer": ("GRU", {"units": 3}), "merge_mode": "sum"}),
            ("Dense", {"units": 2}),
        ],
        "target": "numbers",
        "compile": {"loss": "mean_squared_error", "metrics": ["mae", "mse"]},
        "optimizer": ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
        "validation": True,
    },
    "masking_time_distributed": {
        "layers": [
            ("Masking", {"mask_value": 0.0}),
            ("LSTM", {"units": 4, "return_sequences": True}),
            ("TimeDistributed", {"layer": ("Dense", {"units": 1})}),
        ],
        "target": "per_step",
        "compile": {"loss": "mean_absolute_error", "metrics": ["mse"]},
        "optimizer": ("SGD", {"learning_rate": 0.1}),
    },
    "schedule": {
        "layers": [
            EMBEDDING,
            ("LSTM", {"units": 4}),
            YES_OR_NO,
        ],
        "target": "binary",
        "compile": {"loss": "binary_crossentropy", "metrics": ["accuracy"]},
        "optimizer": ("SGD", {"learning_rate": SCHEDULES["exponential"], "clipnorm": 0.5}),
    },
}
