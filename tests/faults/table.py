"""What each fault of the specification is, and the tests that stand elsewhere.

A fault is met by tests of this folder that bear its number, ``test_09_...``, and by those named
here. A test checks that every number has one and that every name exists.
"""

from __future__ import annotations

FILES = "tests/saving/test_hostile_files.py"
H5 = "tests/saving/test_hostile_h5.py"
ONNX = "tests/interop/onnx/test_hostile.py"
LEGACY = "tests/saving/test_legacy_h5.py"

FAULTS: dict[int, str] = {
    1: "a Lambda with code in a .keras file",
    2: "the same in an .h5 file",
    3: "a configuration that names os.system, subprocess.run, builtins.exec",
    4: "functions of our own that reach files or settings, named by a file",
    5: "a switch that would allow code, before the code",
    6: "every entry point that takes a configuration",
    7: "layers that bring code of other programs along, unknown layers",
    8: "vocabularies that name a file or an address",
    9: "members of an archive with paths that lead out of it",
    10: "links in an archive",
    11: "odd names of layers",
    12: "a configuration that unpacks to gigabytes",
    13: "weights that do, archives within, members that overlap",
    14: "one member twice",
    15: "an archive cut anywhere",
    16: "a flipped bit anywhere",
    17: "encryption, other packing, sizes that lie",
    18: "shapes in HDF5 beyond memory",
    19: "HDF5 that refers to other files, links, virtual datasets",
    20: "numbers of other types in the place of float32",
    21: "weights of another shape",
    22: "missing and additional weights, files that are something else",
    23: "ten thousand mutated files",
    24: "JSON beyond depth, size and type",
    25: "graphs of layers with cycles, without end, with indices beyond it",
    26: "files of older and newer versions",
    27: "ONNX: data outside of the folder",
    28: "ONNX: sizes that overflow, are negative, do not fit the data",
    29: "ONNX: unknown operators, versions, cycles, missing inputs",
    30: "ONNX: recurrent nodes with every attribute",
    31: "arrays of objects",
    32: "pickles of models",
    33: "a file replaced between the check and the reading",
    34: "threads that load one file, folders without permission",
    35: "arrays of every stride",
    36: "arrays that are not aligned",
    37: "arrays of the other byte order",
    38: "arrays of other types",
    39: "arrays that may not be written",
    40: "inputs that change while they are read",
    41: "empty batches, sequences, features, units",
    42: "batch sizes",
    43: "inputs of another rank or size",
    44: "labels and weights that do not fit the inputs",
    45: "NaN and infinity",
    46: "labels out of range",
    47: "indices out of range",
    48: "masks of every kind",
    49: "sequences to pad of every kind",
    50: "sizes whose product overflows",
    51: "a hundred thousand steps",
    52: "more than 2**31 elements",
    53: "denormal numbers",
    54: "inputs far from zero",
    55: "logarithms of zero, empty classes",
    56: "seeds",
    57: "states of stateful layers",
    58: "rates of dropout",
    59: "fork after training",
    60: "fork beside a running kernel",
    61: "other ways to start processes",
    62: "settings of the number of threads",
    63: "other OpenMP runtimes in the process",
    64: "eight threads that predict",
    65: "fit beside predict",
    66: "Ctrl-C in a kernel",
    67: "Ctrl-C while saving",
    68: "other signals, other threads",
    69: "exceptions in callbacks and data",
    70: "sources of data that end, change or never end",
    71: "callbacks that use the model",
    72: "models that come and go",
    73: "the end of the interpreter, interpreters within",
    74: "every allocation fails once",
    75: "a limit of memory",
    76: "a full or failing disk",
    77: "kill -9 while a checkpoint is written",
    78: "two processes save to one file",
    79: "odd paths",
    80: "clocks, time zones, decimal commas",
    81: "a resumed run",
    82: "other processors",
    83: "modes of the processor",
    84: "sanitizers",
    85: "outputs that go away",
}

ELSEWHERE: dict[int, list[str]] = {
    1: [f"{FILES}::TestNothingRuns::test_classes_of_code"],
    2: [f"{H5}::TestConfiguration::test_classes_of_code"],
    3: [
        f"{FILES}::TestNothingRuns::test_names_of_other_things",
        f"{FILES}::TestNothingRuns::test_modules_of_a_file_are_not_imported",
        f"{FILES}::TestConfiguration::test_compiled_with_something_else",
        f"{H5}::TestConfiguration::test_compiled_with_something_else",
    ],
    4: [f"{FILES}::TestNothingRuns::test_names_of_other_things"],
    7: [f"{FILES}::TestNothingRuns::test_classes_of_code"],
    9: [f"{FILES}::TestArchive::test_members_elsewhere"],
    10: [f"{FILES}::TestArchive::test_symbolic_link"],
    11: [
        f"{FILES}::TestConfiguration::test_names_of_layers",
        f"{FILES}::TestConfiguration::test_two_layers_of_one_name",
    ],
    12: [f"{FILES}::TestArchive::test_bomb"],
    13: [f"{FILES}::TestArchive::test_bomb"],
    14: [f"{FILES}::TestArchive::test_one_name_twice"],
    15: [f"{FILES}::TestArchive::test_cut_anywhere"],
    16: [f"{FILES}::TestArchive::test_flipped_bits"],
    17: [f"{FILES}::TestArchive::test_encrypted", f"{FILES}::TestArchive::test_other_packing"],
    18: [
        f"{FILES}::TestWeights::test_a_shape_larger_than_memory",
        f"{H5}::TestWeights::test_a_shape_larger_than_memory",
    ],
    19: [
        f"{FILES}::TestWeights::test_links",
        f"{FILES}::TestWeights::test_external_storage",
        f"{FILES}::TestWeights::test_virtual_dataset",
        f"{H5}::TestWeights::test_links",
        f"{H5}::TestWeights::test_external_storage",
        f"{H5}::TestWeights::test_virtual_dataset",
    ],
    20: [
        f"{FILES}::TestWeights::test_no_numbers",
        f"{FILES}::TestWeights::test_other_numbers_are_converted_exactly",
        f"{H5}::TestWeights::test_no_numbers",
    ],
    21: [
        f"{FILES}::TestWeights::test_another_shape",
        f"{FILES}::TestWeights::test_gates_of_another_cell",
        f"{H5}::TestWeights::test_another_shape",
    ],
    22: [
        f"{FILES}::TestArchive::test_other_files",
        f"{FILES}::TestArchive::test_no_file",
        f"{FILES}::TestWeights::test_missing",
        f"{FILES}::TestWeights::test_one_too_many",
        f"{H5}::TestWeights::test_missing",
    ],
    23: [
        f"{FILES}::TestWeights::test_cut_or_flipped",
        f"{H5}::test_cut_or_flipped",
        f"{H5}::test_whole_models_cut_or_flipped",
        "tests/fuzz/test_fuzz.py::test_mutations",
    ],
    24: [
        f"{FILES}::TestConfiguration::test_text",
        f"{FILES}::TestConfiguration::test_units",
        f"{H5}::TestConfiguration::test_text",
    ],
    25: [
        "tests/models/test_functional_config.py::test_hostile",
        "tests/models/test_functional_config.py::test_a_million_layers",
        "tests/models/test_functional_config.py::test_many_layers_in_any_order_take_linear_time",
    ],
    26: [
        f"{H5}::TestConfiguration::test_versions_nobody_knows",
        f"{LEGACY}::TestWords::test_hard_sigmoid_is_that_of_the_version",
        f"{LEGACY}::TestWords::test_keras_1_is_refused_by_name",
        "tests/saving/test_legacy_graphs.py::test_keras_files_of_tf_keras",
        "tests/data/test_keras_h5.py::test_recorded_predictions",
    ],
    27: [f"{ONNX}::TestExternalData::test_elsewhere", f"{ONNX}::TestExternalData::test_links"],
    28: [f"{ONNX}::test_tensors", f"{ONNX}::test_constants_do_not_grow_without_bound"],
    29: [f"{ONNX}::test_graphs"],
    30: [
        f"{ONNX}::TestRecurrent::test_attributes",
        f"{ONNX}::TestRecurrent::test_lengths_beyond_the_end_are_refused_when_they_come",
    ],
    34: [
        f"{FILES}::TestSaving::test_many_threads_read_one_file",
        f"{FILES}::TestSaving::test_a_folder_without_write_permission",
    ],
    36: ["tests/models/test_hard_inputs.py::test_the_same_numbers_in_another_form"],
    37: ["tests/models/test_hard_inputs.py::test_the_same_numbers_in_another_form"],
    38: [
        "tests/models/test_hard_inputs.py::test_a_broadcast_view_and_small_types",
        "tests/models/test_data.py::test_what_is_no_data",
        "tests/autograd/test_tensor.py::test_what_is_not_numeric_is_refused",
    ],
    39: ["tests/models/test_hard_inputs.py::test_the_same_numbers_in_another_form"],
    40: ["tests/models/test_hard_inputs.py::test_inputs_may_change_while_they_are_read"],
    44: ["tests/models/test_data.py::test_labels_that_do_not_fit"],
    45: [
        "tests/kernels/test_recurrent_invariants.py::TestNotFinite",
        "tests/kernels/test_gemm.py::test_what_is_not_finite_stays_in_its_row_and_column",
        "tests/callbacks/test_terminate_on_nan.py::test_bad_inputs_and_labels_are_named",
    ],
    46: ["tests/kernels/test_loss.py::test_labels_are_checked"],
    47: ["tests/kernels/test_embedding.py::test_ids_are_checked"],
    48: [
        "tests/kernels/test_recurrent.py::test_masks",
        "tests/layers/test_keras_numbers.py",
        "tests/peers/test_keras_recurrent.py",
    ],
    49: [
        "tests/preprocessing/test_pad_sequences.py::test_edges",
        "tests/preprocessing/test_pad_sequences.py::test_bad_arguments",
        "tests/preprocessing/test_pad_sequences.py::test_what_does_not_fit_is_refused",
        "tests/golden/test_pad_sequences.py",
    ],
    54: [
        "tests/kernels/test_recurrent_invariants.py::test_far_inputs_saturate",
        "tests/kernels/test_activation.py::test_softmax_of_far_logits",
        "tests/kernels/test_activation.py::test_softmax_ignores_what_is_minus_infinity",
    ],
    55: ["tests/golden/test_losses_and_metrics.py"],
    56: [
        "tests/models/test_fit.py::test_same_seed_same_bits",
        "tests/kernels/test_recurrent_invariants.py::test_same_bits_for_any_number_of_threads",
        "tests/kernels/test_gemm.py::test_large_products",
        "tests/kernels/test_dropout.py::test_same_bits_for_any_number_of_threads",
    ],
    57: ["tests/models/test_stateful.py::test_a_change_within_a_run_is_refused"],
    58: ["tests/kernels/test_dropout.py::test_rate_is_checked"],
    63: ["tests/peers/test_one_process.py::test_63_beside_other_runtimes"],
    66: ["tests/models/test_data.py::test_interrupt_keeps_the_history_and_the_model"],
    67: [f"{FILES}::TestSaving::test_a_failure_leaves_the_old_file"],
    69: [
        "tests/models/test_hard_inputs.py"
        "::test_an_error_of_a_dataset_or_a_callback_comes_through_once_and_the_next_fit_works"
    ],
    70: [
        "tests/models/test_data.py::test_generator_that_ends",
        "tests/models/test_data.py::test_generator_errors_name_the_batch",
        "tests/models/test_hard_inputs.py::test_a_dataset_without_end",
    ],
    71: [
        "tests/models/test_data.py::test_callbacks_may_use_the_model",
        "tests/models/test_hard_inputs.py::test_fit_inside_fit",
    ],
    77: ["tests/callbacks/test_backup_and_restore.py::test_killed_again_and_again_by_the_clock"],
    79: [f"{FILES}::TestSaving::test_no_overwriting"],
    81: [
        "tests/callbacks/test_backup_and_restore.py::test_killed_at_chosen_moments",
        "tests/callbacks/test_backup_and_restore.py::test_history_is_that_of_the_whole_run",
    ],
    82: [
        "tests/packaging/test_object_files.py",
        "tests/kernels/test_runtime.py::test_instruction_sets_differ_by_rounding_only",
    ],
    83: ["tests/packaging/test_import.py"],
    85: ["tests/callbacks/test_progress.py::test_a_broken_or_closed_output_is_survived"],
}

# The checks without an oracle, and where they are, beside test_metamorphic.py.
METAMORPHIC: dict[str, list[str]] = {
    "permutation of the batch": [
        "tests/kernels/test_recurrent_invariants.py::TestMetamorphic::test_order_of_rows"
    ],
    "appended masked steps": [
        "tests/kernels/test_recurrent_invariants.py"
        "::TestMetamorphic::test_masked_steps_added_at_the_end"
    ],
    "a sequence in parts": [
        "tests/kernels/test_recurrent_invariants.py::TestMetamorphic::test_a_sequence_in_two_halves"
    ],
    "directions and reversal": [
        "tests/faults/test_metamorphic.py::test_both_directions_of_a_reversed_sequence"
    ],
    "saved and loaded": ["tests/layers/test_contract.py::test_the_file_predicts_the_same"],
    "exported and imported": ["tests/peers/test_onnx_export.py"],
    "gradients are slopes": [
        "tests/kernels/test_recurrent.py::test_gradients_are_numeric_derivatives",
        "tests/layers/test_contract.py::test_gradients_are_slopes",
        "tests/reference/test_recurrent.py",
    ],
    "a batch is the mean of singles": [
        "tests/faults/test_metamorphic.py::test_the_loss_of_a_batch_is_the_mean_of_singles"
    ],
}
