"""What changed between Keras releases: one table, looked up when an object is made.

A row is named by the behaviour and maps the first release that had a value to the value. tf.keras counts as 2.4 and
later. Objects copy what they need at construction; no other code compares versions. Every row is proved by recorded
cases on both sides of each change (`parity/`).
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from kcompat.errors import ArgumentError, ArgumentTypeError, UnknownNameError, nearest


class _NotGiven:
    """The default of an argument whose Keras default depends on the generation (None is a value of its own)."""

    def __repr__(self) -> str:
        return "<default of the Keras generation>"

    def __reduce__(self) -> str:
        return "NOT_GIVEN"

    def __bool__(self) -> bool:
        return False

    def __fx_create_arg__(self, tracer: Any) -> None:
        return None  # how torch.fx writes a default of this kind into a graph


NOT_GIVEN: Any = _NotGiven()

#: behaviour -> {first release: value}
TABLE: dict[str, dict[str, Any]] = {
    # -- names ---------------------------------------------------------------------------------------------------
    "auto_name_first_index": {"0": 1, "2.4": 0},
    "input_name": {"0": "input", "3": "input_layer"},
    "sequential_batch_from_data": {"0": False, "2.4": True},  # input shape of a Sequential built by its first call
    "sequential_input_name": {"0": "layer", "3": "input"},  # dense_input, input_layer
    "input_name_first_index": {"0": 1, "3": 0},
    "functional_name": {"0": "model", "3": "functional"},
    "auto_name_splits_before_digits": {"0": True, "2.4": False},  # ConvLSTM2D -> conv_lst_m2d, conv_lstm2d
    "variable_name": {"0": "path", "3": "own"},  # "dense/kernel:0", "kernel"
    "graph_keywords_sorted": {"0": False, "3": True},  # order in which a walk through a graph meets tensors given by keyword
    # -- order and trainability of weights -------------------------------------------------------------------------
    "weights_trainable_first": {"0": True, "2.4": False},
    "layer_weights": {"0": "trainable_first", "3": "by_layer"},  # of a layer with layers inside or with frozen weights of its own
    # -- dropout ---------------------------------------------------------------------------------------------------
    "identity_masks": {"0": False, "3": True},
    "spatial_dropout1d_arguments": {"0": "rate", "3": "rate seed name dtype"},
    "spatial_dropout_arguments": {"0": "rate data_format", "3": "rate data_format seed name dtype"},
    "dropout_rate_checked": {"0": False, "2.4": True},
    "dropout_rate_one": {"0": "identity", "2.4": "error", "3": "zeros"},
    # -- masks -----------------------------------------------------------------------------------------------------
    "merge_mask": {"0": "and", "3": "or"},
    "merge_skips_masked": {"0": False, "3": True},  # Multiply, Maximum, Minimum leave masked steps out
    "merge_least": {"0": 2, "2.4": 1},  # the fewest inputs
    "merge_batches_equal": {"0": False, "2.4": True},  # whether a batch of one is refused beside a larger one
    "merge_unknown_sizes": {"0": "unknown", "2.4": "known", "3": "unknown"},  # a size where one input's is None and another's is not
    "dot_pairs_axes": {"0": True, "2.3": False},  # inputs of four or more axes: kcompat/tensor/merge.py
    "concatenate_mask": {"0": "raise", "3": "fill"},  # along time, where only some inputs have a mask
    "unsupported_mask": {"0": "raise", "2.4": "drop"},
    # -- regularization ----------------------------------------------------------------------------------------------
    "activity_loss_per_sample": {"0": False, "2.4": True},
    "every_layer_takes_activity_regularizer": {"0": False, "2.4": True},
    "frozen_weights_regularized": {"0": True, "3": False},
    # -- configs -----------------------------------------------------------------------------------------------------
    "config_names_module": {"0": False, "2.4": True},
    "config_dtype": {"0": None, "2.3": "name", "3": "policy"},
    "config_first_layer_shape": {"0": True, "3": False},
    "config_names_quantization": {"0": False, "3": True},
    "config_spatial_dropout": {"0": "base", "3": "own"},
    "flatten_least_rank": {"0": 3, "2.4": 1},
    "config_build_shape": {"0": "called", "3": "built"},  # whose build shape is written: of every layer called, or of those that build
    "config_activity": {"0": "own", "3": "base"},  # who writes `activity_regularizer`: the layers that have it, or every layer
    "config_input_optional": {"0": False, "2.16": True},
    "config_lambda_mask": {"0": False, "2.4": True},
    "config_lambda": {"0": "types", "2.4": "modules", "3": "own"},
    "config_node_form": {"0": "rows", "3": "arguments"},
    "model_module": {
        "0": None,
        "2.4": "keras.src.engine.functional",
        "2.16": "tf_keras.src.engine.functional",
        "3": "keras.src.models.functional",
    },
    "list_of_one_unwrapped": {"0": True, "3": False},
    "functional_class_name": {"0": "Model", "2.4": "Functional"},
    "config_sequential_form": {"0": "list", "2.2": "dict"},
    "config_sequential_input_layer": {"0": False, "2.4": True},
    # -- activations, initializers, regularizers, constraints, dtype policies -----------------------------------------
    "hard_sigmoid": {"0": "fifth", "3": "sixth"},
    "selu_slope_at_zero": {"0": "elu", "2.4": "scale"},
    "softmax": {"0": "rows", "2.4": "no_vectors", "3": "any"},
    "silu_name": {"0": "swish", "3": "silu"},
    "initializer_config": {"0": "variance_scaling", "2.4": "own_class", "3": "own_class_axes"},
    "initializer_repeats": {"0": "if_seeded", "2.3": "never", "2.4": "always"},
    "unseeded_from": {"0": "numpy", "2.4": "torch"},
    "fans_of_odd_ranks": {"0": "root", "2.4": "receptive_field"},
    "constant_of_array": {"0": "pad", "2.3": "reshape", "3": "broadcast"},
    "identity_rectangle": {"0": "tile", "2.3": "eye"},
    "normal_distribution_name": {"0": "normal", "2.4": "truncated_normal"},
    "regularizer_config": {"0": "L1L2", "2.4": "own_class"},
    "regularizer_negative": {"0": True, "3": False},
    "l1_l2_default": {"0": 0.01, "3": 0.0},
    "l1_l2_is_a_name": {"0": True, "3": False},
    "policy_class": {"0": ("keras.mixed_precision", "Policy"), "3": ("keras", "DTypePolicy")},
    # -- convolution, pooling, padding -----------------------------------------------------------------------------------
    "conv_arguments": {
        "0": "filters kernel_size strides padding data_format dilation_rate activation use_bias kernel_initializer bias_initializer "
        "kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint",
        "2.4": "filters kernel_size strides padding data_format dilation_rate groups activation use_bias kernel_initializer "
        "bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint",
    },
    "depthwise_conv_arguments": {
        "0": "kernel_size strides padding depth_multiplier data_format activation use_bias depthwise_initializer bias_initializer "
        "depthwise_regularizer bias_regularizer activity_regularizer depthwise_constraint bias_constraint",
        "2.4": "kernel_size strides padding depth_multiplier data_format dilation_rate activation use_bias depthwise_initializer "
        "bias_initializer depthwise_regularizer bias_regularizer activity_regularizer depthwise_constraint bias_constraint",
    },
    "conv3d_transpose_arguments": {
        "0": "filters kernel_size strides padding output_padding data_format activation use_bias kernel_initializer bias_initializer "
        "kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint",
        "2.4": "filters kernel_size strides padding output_padding data_format dilation_rate activation use_bias kernel_initializer "
        "bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint",
        "3": "filters kernel_size strides padding data_format output_padding dilation_rate activation use_bias kernel_initializer "
        "bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint",
    },
    "data_format_1d": {"0": "channels_last", "3": None},  # None: config.image_data_format()
    "causal_channels_first": {"0": False, "2.4": True},
    "separable_causal": {"0": False, "2.4": True, "3": False},
    "separable_1d_data_format": {"0": "channels_last", "2.4": None},
    "conv_more_batch_axes": {"0": False, "2.4": True, "3": False},
    "conv3d_transpose_dilation": {"0": False, "3": True},
    "depthwise_strides_and_dilation": {"0": False, "3": True},  # before 2.4 what came out was no convolution
    "depthwise_kernel_name": {"0": "depthwise_kernel", "3": "kernel"},
    "config_conv_groups": {"0": False, "2.4": True},
    "config_conv_inherits": {"0": False, "2.4": True, "3": False},  # derived convolutions write their base class's arguments too
    "average_pool_size": {"0": 2, "3": None},
    "masked_mean": {"0": "multiply", "3": "select"},  # of steps left out: times 0, or 0 in their place
    "integer_means": {"0": "integers", "3": "floats"},  # of GlobalAveragePooling
    "global_pool_keepdims": {"0": False, "2.4": True},
    "config_1d_padding_data_format": {"0": False, "3": True},
    # -- resizing, locally connected layers, Keras 1's arguments ---------------------------------------------------------------
    "upsampling_methods": {
        "0": ("nearest", "bilinear"),
        "2.4": ("nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"),
        "3": ("nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5"),
    },
    "resizing_methods": {
        "0": ("nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"),
        "3": ("nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5"),
    },
    "half_pixel_centres": {"0": False, "2.4": True},
    "resizing_data_format": {"0": "channels_last", "3": None},
    "labelled_images": {"0": False, "3": True},  # Resizing, CenterCrop take dicts of images, masks, boxes
    "resizing_integers": {"0": "floats", "3": "rounded"},
    "config_resizing": {"0": "short", "3": "full"},
    "rescaling_masks": {"0": False, "3": True},
    "rescaling_channels_first": {"0": False, "3": True},  # a scale for each channel is laid along the first axis of an image
    "config_arrays": {"0": "lists", "3": "tagged"},
    "locally_connected_implementations": {"0": (1,), "2.4": (1, 2, 3)},
    "locally_connected_1d_data_format": {"0": False, "2.4": True},
    "theano_paddings": {"0": ("full", "same_theano"), "2.1": ("same_theano",), "2.4": ()},
    "keras1_arguments": {"0": "positions", "2": "keywords", "2.4": None},  # whether layers read calls as Keras 1 wrote them
    # -- attention ---------------------------------------------------------------------------------------------------------------
    "attention_law": {"0": "add", "3": "zero"},  # what masked scores of heads become: kcompat/tensor/attend.py
    "attention_fused_law": {"0": "add", "3": "fill"},  # the same where nothing but the result is wanted
    "attention_takes_masks": {"0": False, "3": True},  # MultiHeadAttention removes the masks that ride on its inputs
    "attention_scale": {"0": "exact", "3": "float32"},  # to how many digits 1 / sqrt(key_dim) is taken
    "config_attention": {"0": "shapes", "3": "own"},  # what of its call is written to MultiHeadAttention's config, and what is not
    "additive_attention_scale": {"0": "value", "3": "query"},  # whose size the weight has
    "config_attention_seed": {"0": False, "3": True},
    "multi_head_call": {
        "0": "attention_mask return_attention_scores training use_causal_mask",
        "3": "query_mask value_mask key_mask attention_mask return_attention_scores training use_causal_mask",
    },
    "multi_head_arguments": {
        "0": "num_heads key_dim value_dim dropout use_bias output_shape attention_axes kernel_initializer bias_initializer "
        "kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint softmax_robust_masking",
        "3": "num_heads key_dim value_dim dropout use_bias output_shape attention_axes sliding_window flash_attention kernel_initializer "
        "bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint use_gate seed",
    },
    # -- normalization -------------------------------------------------------------------------------------------------------
    "batch_norm_arguments": {
        "0": "axis momentum epsilon center scale beta_initializer gamma_initializer moving_mean_initializer moving_variance_initializer "
        "beta_regularizer gamma_regularizer beta_constraint gamma_constraint",
        "2.4": "axis momentum epsilon center scale beta_initializer gamma_initializer moving_mean_initializer moving_variance_initializer "
        "beta_regularizer gamma_regularizer beta_constraint gamma_constraint synchronized",
        "3": "axis momentum epsilon center scale beta_initializer gamma_initializer moving_mean_initializer moving_variance_initializer "
        "beta_regularizer gamma_regularizer beta_constraint gamma_constraint renorm renorm_clipping renorm_momentum synchronized",
    },
    # what is taken off the n in n / (n - c), the factor of the batch variance on its way into the average; "eps": 1 + epsilon
    "batch_norm_correction": {"0": (), "2.1": ("eps",), "2.4": (), "3": ()},
    "batch_norm_correction_last_axis_images": {"0": (), "2.1": (1, "eps"), "2.4": (1,), "3": ()},
    "batch_norm_correction_other_images": {"0": (), "2.1": ("eps",), "2.4": (1,), "3": ()},
    "batch_norm_half_weights": {"0": True, "2.4": False, "3": True},  # or float32 ones, under float16 and bfloat16
    "batch_norm_images": {"0": (4,), "2.4": (4, 5)},  # ranks
    "batch_norm_debias": {"0": False, "2.1": True, "2.3": False},
    "batch_norm_frozen": {"0": "batch", "2.4": "moving"},
    "batch_norm_mask": {"0": "never", "2.4": "not_images", "3": "always"},
    "batch_norm_axis_list": {"0": False, "2.4": True, "3": False},
    "config_norm_axis": {"0": "given", "2.4": "list_when_built", "3": "given"},
    "config_batch_norm_renorm": {"0": "if_set", "3": "always"},
    "config_layer_norm_axis": {"0": "indices", "3": "listed"},  # once built: [1] or [-1] for an axis given as -1
    "config_layer_norm_rms": {"0": False, "3": True},
    # -- advanced activations, noise, einsum --------------------------------------------------------------------------------
    "leak_below_zero": {"0": True, "3": False},  # LeakyReLU with a negative slope
    "threshold_below_zero": {"0": True, "2.4": False},
    "softmax_mask": {"0": "pass", "2.4": "subtract", "3": "exclude"},
    "config_leak_name": {"0": "alpha", "3": "negative_slope"},
    "noise_checked": {"0": False, "3": True},  # stddev and rate within 0 and 1
    "noise_rate_one": {"0": "identity", "3": "error"},
    "config_noise_seed": {"0": False, "2.4": True},
    "einsum_dense_arguments": {
        "0": "equation output_shape activation bias_axes kernel_initializer bias_initializer kernel_regularizer bias_regularizer "
        "activity_regularizer kernel_constraint bias_constraint",
        "3": "equation output_shape activation bias_axes kernel_initializer bias_initializer kernel_regularizer bias_regularizer "
        "kernel_constraint bias_constraint lora_rank lora_alpha gptq_unpacked_column_size quantization_config",
    },
    "config_alpha_dropout_noise_shape": {"0": False, "3": True},
    "einsum_unknown_sizes": {"0": "input", "3": "unknown"},  # the static size of an axis given as None in `output_shape`
    "group_norm_mask": {"0": "weights", "3": "ignore"},
    "unit_norm_floor": {"0": 1e-12, "3": 1e-24},  # least squared norm: Keras 3 sets the floor 1e-12 to the norm itself
    # -- recurrent layers, embeddings ------------------------------------------------------------------------------------
    "rnn_recurrent_activation": {"0": "hard_sigmoid", "2.3": "sigmoid"},
    "rnn_implementation": {"0": 1, "2.3": 2},
    "rnn_recurrent_dropout_implementation": {"0": None, "2.4": 1},  # what `implementation` becomes where `recurrent_dropout` is set
    "gru_reset_after": {"0": False, "2.4": True},
    "rnn_arguments": {
        "0": "cell return_sequences return_state go_backwards stateful unroll",
        "2.4": "cell return_sequences return_state go_backwards stateful unroll time_major",
        "3": "cell return_sequences return_state go_backwards stateful unroll zero_output_for_mask",
    },
    "rnn_cell_arguments": {"0": "units activation"},
    "rnn_gate_arguments": {"0": "recurrent_activation"},
    "rnn_weight_arguments": {"0": "use_bias kernel_initializer recurrent_initializer bias_initializer"},
    "lstm_bias_arguments": {"0": "unit_forget_bias"},
    "rnn_regularizer_arguments": {"0": "kernel_regularizer recurrent_regularizer bias_regularizer"},
    "rnn_activity_arguments": {"0": "activity_regularizer"},
    "rnn_constraint_arguments": {"0": "kernel_constraint recurrent_constraint bias_constraint dropout recurrent_dropout"},
    "lstm_end_arguments": {
        "0": "implementation return_sequences return_state go_backwards stateful unroll",
        "2.4": "return_sequences return_state go_backwards stateful time_major unroll",
        "3": "seed return_sequences return_state go_backwards stateful unroll use_cudnn",
    },
    "gru_end_arguments": {
        "0": "implementation return_sequences return_state go_backwards stateful unroll reset_after",
        "2.4": "return_sequences return_state go_backwards stateful unroll time_major reset_after",
        "3": "seed return_sequences return_state go_backwards stateful unroll reset_after use_cudnn",
    },
    "simple_rnn_end_arguments": {
        "0": "return_sequences return_state go_backwards stateful unroll",
        "3": "return_sequences return_state go_backwards stateful unroll seed",
    },
    "lstm_cell_end_arguments": {"0": "implementation", "2.4": "", "3": "seed"},
    "gru_cell_end_arguments": {"0": "implementation reset_after", "2.4": "reset_after", "3": "reset_after seed"},
    "simple_rnn_cell_end_arguments": {"0": "", "3": "seed"},
    "rnn_cell_in_path": {"0": False, "2.4": True},  # "lstm/kernel", "lstm/lstm_cell/kernel"
    "rnn_states_are_inputs": {"0": True, "3": False},  # a graph notes `initial_state` as further inputs, or as the argument it is
    "rnn_identity_each_gate": {"0": False, "2.3": True, "2.4": False},  # 'identity' for a recurrent kernel, and its gain is forgotten
    "rnn_outputs": {"0": "list", "3": "tuple"},
    "rnn_cell_built_for_constants": {"0": True, "2.4": False},  # a cell's `build` gets a list, the step's shape and those of constants
    "rnn_unroll_needs": {"0": 2, "2.3": 1, "3": None},  # the least known number of steps of a graph's input; None: nothing
    "rnn_reset_needs_stateful": {"0": True, "3": False},
    "stacked_states": {"0": "flat", "2.4": "nested"},
    "stacked_reverse_state_order": {"0": True, "3": False},  # whether there is such an argument
    "rnn_states_unset": {"0": "list", "3": "none"},  # `states` of a layer that carries none
    "cudnn_lstm_arguments": {
        "0": "units kernel_initializer recurrent_initializer bias_initializer unit_forget_bias kernel_regularizer recurrent_regularizer "
        "bias_regularizer activity_regularizer kernel_constraint recurrent_constraint bias_constraint return_sequences return_state "
        "stateful"
    },
    "cudnn_gru_arguments": {
        "0": "units kernel_initializer recurrent_initializer bias_initializer kernel_regularizer recurrent_regularizer "
        "bias_regularizer activity_regularizer kernel_constraint recurrent_constraint bias_constraint return_sequences return_state "
        "stateful"
    },
    "conv_rnn_arguments": {"0": "cell return_sequences return_state go_backwards stateful unroll"},
    "conv_lstm_arguments": {"0": "filters kernel_size strides padding data_format dilation_rate activation"},
    "conv_lstm_end_arguments": {
        "0": "kernel_constraint recurrent_constraint bias_constraint return_sequences go_backwards stateful dropout recurrent_dropout",
        "2.4": "kernel_constraint recurrent_constraint bias_constraint return_sequences return_state go_backwards stateful dropout "
        "recurrent_dropout",
        "3": "kernel_constraint recurrent_constraint bias_constraint dropout recurrent_dropout seed return_sequences return_state "
        "go_backwards stateful",
    },
    "conv_lstm_recurrent_activation": {"0": "hard_sigmoid", "3": "sigmoid"},
    "conv_rnn_unroll": {"0": "refuse", "3": "accept"},
    "conv_rnn_zero_output": {"0": False, "3": True},  # whether Bidirectional makes masked steps 0 here too
    "rnn_activity": {"0": True},
    "simple_rnn_activity": {"0": True, "3": False},  # Keras 3 takes `activity_regularizer` here and drops it
    "bidirectional_of_backwards": {"0": "accept", "3": "refuse"},  # a layer that reads backwards already
    "bidirectional_zero_output": {"0": False, "2.4": True},  # masked steps of whole sequences are 0, not the output before
    "bidirectional_config": {"0": "layer", "3": "both"},
    "time_distributed": {"0": "flat", "3": "steps"},
    "embedding_arguments": {
        "0": "input_dim output_dim embeddings_initializer embeddings_regularizer activity_regularizer embeddings_constraint mask_zero "
        "input_length",
        "2.4": "input_dim output_dim embeddings_initializer embeddings_regularizer activity_regularizer embeddings_constraint mask_zero "
        "input_length sparse",
        "3": "input_dim output_dim embeddings_initializer embeddings_regularizer embeddings_constraint mask_zero weights lora_rank "
        "lora_alpha quantization_config",
    },
    "embedding_below_zero": {"0": "refuse", "3": "from_end"},
    "embedding_lengths": {"0": True, "3": False},  # an Embedding tells its input's shape, (None, input_length)
    "config_rnn_implementation": {"0": True, "3": False},
    "config_rnn_time_major": {"0": False, "2.4": True, "3": False},
    "config_rnn_zero_output": {"0": False, "3": True},
    "config_rnn_seed": {"0": False, "3": True},
    # -- losses --------------------------------------------------------------------------------------------------------
    "loss_log_epsilon": {"0": False, "2.3": True, "3": False},  # log(p + eps) in binary_crossentropy
    "loss_logits_from": {"0": "none", "2.3": "own", "2.4": "any"},  # whose activation's logits a crossentropy takes
    "loss_integers": {"0": "keep", "3": "float"},
    "loss_function_rank": {"0": "broadcast", "3": "expand"},
    "loss_object_rank": {"0": "broadcast", "2.4": "squeeze", "3": "expand"},
    "loss_smoothing_classes": {"0": "axis", "3": "last"},
    "loss_weighting": {"0": "nonzero", "2.3": "plain", "2.4": "kept", "3": "kept_or_zero"},
    "loss_weight_alignment": {"0": "samples", "3": "trailing"},
    "loss_hinge_signs": {"0": False, "2.3": True},  # targets of 0 and 1 are taken as -1 and 1
    "loss_huber_mean": {"0": False, "2.4": True},
    "loss_cosine_floor": {"0": 1e-12, "3": 1e-14},  # least squared length
    "huber_name": {"0": "huber_loss", "2.4": "huber"},
    "log_cosh_name": {"0": "logcosh", "2.4": "log_cosh"},
    "kl_divergence_name": {"0": "kullback_leibler_divergence", "2.4": "kl_divergence"},
    "cosine_name": {"0": "cosine_proximity", "2.4": "cosine_similarity"},
    "loss_reductions": {
        "0": ("auto", "none", "sum", "sum_over_batch_size"),
        "3": ("none", None, "sum", "sum_over_batch_size", "mean", "mean_with_sample_weight"),
    },
    "loss_reduction": {"0": "sum_over_batch_size", "2.4": "auto", "3": "sum_over_batch_size"},
    "loss_casts": {"0": False, "3": True},
    "loss_config_fn": {"0": False, "2.4": True, "3": False},
    "loss_arguments": {"0": "reduction name", "3": "name reduction dtype"},
    # options of crossentropies that came later, and the values that say nothing: what a config leaves out
    "config_loss_without": {
        "0": {
            "BinaryCrossentropy": {"axis": -1},
            "CategoricalCrossentropy": {"axis": -1},
            "SparseCategoricalCrossentropy": {"ignore_class": None},
        },
        "2.4": {},
        "3": {"Huber": {"delta": 1.0}, "CosineSimilarity": {"axis": -1}},
    },
    "config_metric_without": {
        "0": {
            "CategoricalCrossentropy": {"axis": -1},
            "SparseCategoricalCrossentropy": {"ignore_class": None},
            "SparseTopKCategoricalAccuracy": {"from_sorted_ids": False},
            "AUC": {"multi_label": False, "num_labels": None, "label_weights": None, "from_logits": False},
            "SensitivityAtSpecificity": {"class_id": None},
            "SpecificityAtSensitivity": {"class_id": None},
            "MeanIoU": {"ignore_class": None, "axis": -1, "sparse_y_true": True, "sparse_y_pred": True},
        },
        "2.4": {"SparseTopKCategoricalAccuracy": {"from_sorted_ids": False}},
        "3": {
            "SparseTopKCategoricalAccuracy": {"from_sorted_ids": False},
            "CosineSimilarity": {"axis": -1},
        },
    },
    "config_auc_thresholds": {"0": True, "2.4": False},  # written also where a number was given
    "sparse_crossentropy_arguments": {
        "0": "y_true y_pred from_logits axis ignore_class",
        "3": "y_true y_pred from_logits ignore_class axis",
    },
    "sparse_crossentropy_class_arguments": {
        "0": "from_logits reduction name",
        "2.4": "from_logits ignore_class reduction name",
        "3": "from_logits ignore_class reduction axis name dtype",
    },
    "dice_class_arguments": {"0": "reduction name axis dtype"},
    "tversky_class_arguments": {"0": "alpha beta reduction name axis dtype"},
    "crossentropy_class_arguments": {
        "0": "from_logits label_smoothing reduction name",
        "2.4": "from_logits label_smoothing axis reduction name dtype",
    },
    # -- metrics -------------------------------------------------------------------------------------------------------
    "metric_strings": {"0": "functions", "3": "objects"},
    "metric_averages": {"0": "batches", "2.3": "entries"},
    "metric_log_name": {"0": "function", "2.3": "written"},
    "metric_accuracy_name": {"0": "acc", "2.3": "written"},
    "metric_class_log_name": {"0": "own", "3": "written"},  # of a class given by its name
    "metric_accuracy_by": {"0": "loss", "2.4": "shape"},
    "metric_binary_accuracy": {"0": "round", "2.4": "threshold"},
    "metric_binary_accuracy_mean": {"0": True, "3": False},  # whether the function averages along the last axis
    "metric_top_k_mean": {"0": True, "2.3": False},  # whether the functions average over all samples
    "metric_top_k_column": {"0": False, "2.4": True},  # targets of shape (n, 1) give (n, 1)
    "metric_cosine_sign": {"0": -1, "2.3": 1},
    "metric_ignored_class": {"0": "leave_out", "3": "count"},  # entries of `ignore_class` in a mean of cross entropies without weights
    "metric_masks": {"0": "compiled", "3": "own"},  # who makes weights of a mask: the compiled metrics, or the metric itself
    "metric_at_value": {"0": "nearest", "2.4": "within"},  # the threshold of SensitivityAtSpecificity and its kin
    "metric_even_thresholds": {"0": "compare", "2.4": "scale"},  # the place among evenly spaced thresholds
    "metric_iou_dtype": {"0": None, "3": "int64"},
    "kl_divergence_metric_name": {"0": "kullback_leibler_divergence", "3": "kl_divergence"},
    "precision_recall_gain_name": {"0": "PR_GAIN", "3": "PRGAIN"},
    "sparse_crossentropy_metric_arguments": {
        "0": "name dtype from_logits axis",
        "2.4": "name dtype from_logits ignore_class axis",
    },
    "metric_lambda_name": {"0": "<lambda>", "3": "lambda"},
    "metric_arguments": {"0": "name dtype", "3": "dtype name"},
    "metric_repeated": {"0": "number", "2.3": "merge", "2.4": "refuse", "3": "number"},
    "weighted_metric_name": {"0": "always", "2.3": "number", "2.4": "if_repeated"},
    "metric_spread": {"0": True, "3": False},  # one flat list of metrics is meant for each of several outputs
    # -- optimizers ----------------------------------------------------------------------------------------------------
    "optimizer_decay": {"0": "honour", "2.11": "refuse", "3": "ignore"},
    "optimizer_clipnorm": {"0": "all", "2.4": "each"},
    "optimizer_clips": {"0": "norm_value", "2.4": "value_norm", "2.11": "first", "3": "one"},  # clipnorm and clipvalue given together
    "adam_betas_dtype": {"0": "floatx", "2.4": "float32", "2.11": None},  # of the variables that held them
    "sgd_always_has_slot": {"0": True, "2.4": False, "2.11": True, "3": False},
    "optimizer_ema_starts_from": {"0": "variable", "3": "first_step"},
    "optimizer_rate_key": {"0": "lr", "2.3": "learning_rate"},
    "optimizer_config": {"0": "old", "2.4": "legacy", "2.11": "full", "3": "keras3"},
    "optimizer_slot_order": {"0": "by_slot", "2.11": "by_weight", "3": "by_weight"},
    "optimizer_saves_rate": {"0": False, "3": True},
    "optimizer_placeholders": {"0": False, "2.1.6": True, "2.4": False},  # an Adam without amsgrad saves vhat as zeros of shape (1,)
    "schedule_name": {"0": False, "3": True},  # whether a schedule made without a name has one
    "optimizer_auto_name": {"0": "class", "3": "numbered"},
    "optimizer_constants": {"0": "exact", "2.11": "float32"},  # b of 1 - b ** t, momentum of SGD, weight decay
    "optimizer_epsilon": {"0": None, "2.4": 1e-7},  # None: config.epsilon()
    "optimizer_saves_iterations": {"0": "if_read", "2.3": "all"},
    "adafactor_placeholders": {"0": False, "3": True},  # scalars are saved in the place of rows and columns of vectors
    "adadelta_rate": {"0": 1.0, "2.4": 0.001},
    "adagrad_config": {"0": "epsilon", "2.4": "initial_accumulator_value epsilon"},
    "adagrad_first_sum": {"0": 0.0, "2.4": 0.1},
    "adagrad_sum_constant": {"0": "exact", "3": "float32"},
    "adagrad_rate": {"0": 0.01, "2.4": 0.001},
    "adamax_rate": {"0": 0.002, "2.4": 0.001},
    "epsilon_inside_root": {"0": False, "2.11": True},  # of Adagrad and RMSprop
    "loss_scale": {"0": "tf", "3": "keras3"},  # least scale, who divides the gradients of `apply_gradients`, what is saved
    "loss_scale_arguments": {
        "0": "inner_optimizer dynamic initial_scale dynamic_growth_steps",
        "3": "inner_optimizer initial_scale dynamic_growth_steps name",
    },
    "lion_rate": {"0": 1e-4, "3": 1e-3},
    "nadam_config": {"0": "beta_1 beta_2 epsilon schedule_decay", "2.4": "beta_1 beta_2 epsilon"},
    "nadam_exact_product": {"0": False, "3": True},  # the momenta multiplied do not go through float32
    "nadam_rate": {"0": 0.002, "2.4": 0.001},
    "nadam_saves_product": {"0": None, "2.3": "first", "2.11": None, "3": "last"},
    "nadam_schedule_decay": {"0": 0.004, "2.11": 1.0},
    "rmsprop_config": {"0": "rho epsilon", "2.4": "rho momentum epsilon centered"},
    "rmsprop_overwrites_after": {"0": None, "2.11": 100, "3": None},  # default of `ema_overwrite_frequency`
    "optimizer_keywords": {  # shared arguments
        "0": "lr decay clipnorm clipvalue",
        "2.4": "lr decay clipnorm clipvalue global_clipnorm name",
        "2.11": "lr decay weight_decay clipnorm clipvalue global_clipnorm use_ema ema_momentum ema_overwrite_frequency jit_compile name",
        "3": "decay weight_decay clipnorm clipvalue global_clipnorm use_ema ema_momentum ema_overwrite_frequency loss_scale_factor "
        "gradient_accumulation_steps name",
    },
    "optimizer_arguments": {  # those among them that may be given by position, after the optimizer's own
        "0": "",
        "2.4": "name",
        "2.11": "weight_decay clipnorm clipvalue global_clipnorm use_ema ema_momentum ema_overwrite_frequency jit_compile name",
        "3": "weight_decay clipnorm clipvalue global_clipnorm use_ema ema_momentum ema_overwrite_frequency loss_scale_factor "
        "gradient_accumulation_steps name",
    },
    "sgd_arguments": {"0": "learning_rate momentum decay nesterov", "2.3": "learning_rate momentum nesterov"},
    "rmsprop_arguments": {
        "0": "learning_rate rho epsilon decay",
        "2.3": "learning_rate rho",
        "2.4": "learning_rate rho momentum epsilon centered",
    },
    "adagrad_arguments": {
        "0": "learning_rate epsilon decay",
        "2.3": "learning_rate",
        "2.4": "learning_rate initial_accumulator_value epsilon",
    },
    "adadelta_arguments": {"0": "learning_rate rho epsilon decay", "2.3": "learning_rate rho", "2.4": "learning_rate rho epsilon"},
    "adam_arguments": {
        "0": "learning_rate beta_1 beta_2 epsilon decay amsgrad",
        "2.3": "learning_rate beta_1 beta_2 amsgrad",
        "2.4": "learning_rate beta_1 beta_2 epsilon amsgrad",
        "2.11": "learning_rate beta_1 beta_2 epsilon adaptive_epsilon amsgrad",
        "3": "learning_rate beta_1 beta_2 epsilon amsgrad",
    },
    "adamw_arguments": {"0": "learning_rate weight_decay beta_1 beta_2 epsilon amsgrad"},
    "adamax_arguments": {
        "0": "learning_rate beta_1 beta_2 epsilon decay",
        "2.3": "learning_rate beta_1 beta_2",
        "2.4": "learning_rate beta_1 beta_2 epsilon",
    },
    "nadam_arguments": {
        "0": "learning_rate beta_1 beta_2 epsilon schedule_decay",
        "2.3": "learning_rate beta_1 beta_2",
        "2.4": "learning_rate beta_1 beta_2 epsilon",
    },
    "ftrl_arguments": {
        "0": "learning_rate learning_rate_power initial_accumulator_value l1_regularization_strength l2_regularization_strength "
        "l2_shrinkage_regularization_strength beta"
    },
    "lion_arguments": {"0": "learning_rate beta_1 beta_2"},
    "adafactor_arguments": {"0": "learning_rate beta_2_decay epsilon_1 epsilon_2 clip_threshold relative_step"},
    "lamb_arguments": {"0": "learning_rate beta_1 beta_2 epsilon"},
    "schedule_free_arguments": {"0": "learning_rate beta_1 beta_2 epsilon warmup_steps"},
    "muon_arguments": {"0": "learning_rate adam_beta_1 adam_beta_2 adam_weight_decay epsilon"},
    "muon_last_arguments": {
        "0": "exclude_layers exclude_embeddings muon_a muon_b muon_c adam_lr_ratio momentum ns_steps nesterov rms_rate"
    },
    # -- files ---------------------------------------------------------------------------------------------------------
    "file_written_as": {"0": "2.0.8", "2": None},  # in the words of Keras 2, whose first releases kept the layers of Keras 1
    "file_layout": {"0": "1", "2": "2"},  # which weights a layer has in a file, and in which order
    "file_top_level_weights": {"0": False, "2.4": True},  # a group for the weights of the model object, also when it has none
    "tracked_dict_order": {"0": "sorted", "3": "inserted"},  # of layers in a dict that is an attribute
    "file_objects": {"0": "backwards", "3": "forwards"},  # the order in which attributes are walked for `.keras` and `.weights.h5`
    "file_object_names": {"0": False, "3": True},  # whether these files hold the names of objects
    "save_arguments": {
        "0": "self filepath overwrite include_optimizer",
        "2.4": "self filepath overwrite save_format",
        "3": "self filepath overwrite zipped",
    },
    "save_weights_arguments": {
        "0": "self filepath overwrite",
        "2.4": "self filepath overwrite save_format options",
        "3": "self filepath overwrite",
    },
    "load_weights_arguments": {
        "0": "self filepath by_name skip_mismatch reshape",
        "2.4": "self filepath skip_mismatch by_name options",
        "3": "self filepath skip_mismatch",
    },
    "save_format_by_suffix": {"0": False, "2.4": True},  # a name that does not end in .h5 means another format than HDF5
    # -- training ------------------------------------------------------------------------------------------------------
    "log_order": {"0": "validation_first", "2.4": "training_first", "3": "sorted"},
    "shuffle_from": {"0": "numpy", "2.4": "torch"},
    "batch_logs": {"0": "own", "2.4": "running"},
    "batch_logs_size": {"0": True, "2.4": False},
    "output_losses_average": {"0": "samples", "2.3": "batches", "2.4": "samples", "3": "batches"},
    "callback_params": {"0": "arrays", "2.4": "steps"},
    "progress": {"0": "samples", "2.4": "steps", "3": "colour"},
    "trainable_fixed_at_compile": {"0": True, "3": False},
    "loss_for_every_output": {"0": False, "3": True},
    "weights_need_temporal": {"0": True, "2.4": False},  # sample weights by step only with sample_weight_mode
    "class_of_fraction": {"0": "none", "2.4": "nearest"},  # which class a target has that is no integer
    "class_weight_outputs": {"0": "each", "2.4": "one"},  # whether each of several outputs may have class weights of its own
    "sequence_order": {"0": "kept", "2.4": "fresh"},  # whether a shuffled order is shuffled again, or made anew each epoch
    "steps_go_on": {"0": True, "2.4": False, "3": True},  # whether epochs of `steps_per_epoch` go on through the data, or begin anew
    "fit_generator_arguments": {
        "0": "model generator samples_per_epoch epochs verbose callbacks validation_data nb_val_samples class_weight max_queue_size "
        "workers use_multiprocessing initial_epoch",
        "2": "model generator steps_per_epoch epochs verbose callbacks validation_data validation_steps class_weight max_queue_size "
        "workers use_multiprocessing shuffle initial_epoch",
        "2.3": "model generator steps_per_epoch epochs verbose callbacks validation_data validation_steps validation_freq class_weight "
        "max_queue_size workers use_multiprocessing shuffle initial_epoch",
    },
    "evaluate_generator_arguments": {
        "0": "model generator val_samples max_queue_size workers use_multiprocessing",
        "2": "model generator steps max_queue_size workers use_multiprocessing verbose",
        "2.3": "model generator steps callbacks max_queue_size workers use_multiprocessing verbose",
    },
    "samples_arguments": {"0": "samples", "2": "steps", "2.4": None},  # what `samples_per_epoch` and its kin count
    "fit_epochs": {"0": 10, "2": 1},
    "on_batch_resets": {"0": "before", "2.3": "after", "2.4": "before"},  # when train_on_batch and test_on_batch forget the metrics
    "target_shape": {"0": "same", "2.4": "broadcast"},  # what Keras' own losses (but those of class indices) ask of targets
    "class_weight_without_table": {"0": "ignore", "2.4": "refuse"},  # a `class_weight` that is no dict or list
    "predict_lengths": {"0": "first", "2.4": "same"},  # inputs longer than the first one: cut, or refused
    "validation_split_weighs_classes": {"0": True, "2.4": False},
    "predict_verbose": {"0": 0, "2.9": "auto"},
    "class_weight_gaps": {"0": "absent_classes", "2.4": "refuse", "3": "one"},
    "class_and_sample_weight": {"0": "sample", "2.3": "product", "3": "refuse"},
    "metrics_names": {"0": "logs", "3": "objects"},
    # -- callbacks -----------------------------------------------------------------------------------------------------
    "monitor_by_metric": {"0": False, "3": True},  # which way is better: by the monitored name, or by the metric of that name
    "monitor_auto": {"0": "anywhere", "2.4": "end"},
    "monitor_auto_by_acc": {"0": "anywhere"},
    "epoch_in_messages": {"0": "05d", "2.4": "d"},
    "early_stopping_baseline": {"0": "best", "2.4": "beaten"},
    "early_stopping_restores": {"0": "when_stopped", "3": "always"},
    "rate_log_name": {"0": "lr", "3": "learning_rate"},
    "csv_validation_columns": {"0": False, "2.4": True},  # columns for validation also where there is none
    "checkpoint_arguments": {
        "0": "filepath monitor verbose save_best_only save_weights_only mode period",
        "2.4": "filepath monitor verbose save_best_only save_weights_only mode save_freq options initial_value_threshold",
        "3": "filepath monitor verbose save_best_only save_weights_only mode save_freq initial_value_threshold",
    },
    "checkpoint_names": {"0": "any", "3": "suffix"},
    "checkpoint_without_monitor": {"0": "skip", "3": "save"},
    "backup_arguments": {
        "0": "backup_dir save_freq delete_checkpoint save_before_preemption",
        "3": "backup_dir save_freq double_checkpoint delete_checkpoint",
    },
    "tensorboard_arguments": {
        "0": "log_dir histogram_freq batch_size write_graph write_grads write_images embeddings_freq embeddings_layer_names "
        "embeddings_metadata embeddings_data update_freq",
        "2.4": "log_dir histogram_freq write_graph write_images write_steps_per_second update_freq profile_batch embeddings_freq "
        "embeddings_metadata",
    },
    "tensorboard_layout": {"0": "flat", "2.4": "folders"},
    "callback_validation_data": {"0": True, "2.4": False},  # whether callbacks are given the arrays of validation
    "lambda_callback_arguments": {
        "0": "on_epoch_begin on_epoch_end on_batch_begin on_batch_end on_train_begin on_train_end",
        "3": "on_epoch_begin on_epoch_end on_train_begin on_train_end on_train_batch_begin on_train_batch_end",
    },
    "compile_arguments": {
        "0": "self optimizer loss metrics loss_weights sample_weight_mode weighted_metrics target_tensors",
        "2.4": "self optimizer loss metrics loss_weights weighted_metrics run_eagerly steps_per_execution jit_compile",
        "3": "self optimizer loss loss_weights metrics weighted_metrics run_eagerly steps_per_execution jit_compile auto_scale_loss",
    },
}

_DEFAULT = "2.15"


@functools.lru_cache(maxsize=64)
def _parse(version: str) -> tuple[int, ...]:
    if not isinstance(version, str) or not re.match(r"^\d+(\.\d+)*", version):
        raise ArgumentError(f"`version` must be a Keras release such as '1.2.2', '2.2', '2.15' or '3', received {version!r}.")
    if version.endswith("-tf"):  # tf.keras 1.13-2.4 write '2.2.4-tf', '2.3.0-tf', ...
        return (2, 4)
    digits = re.match(r"^\d+(\.\d+)*", version)
    assert digits is not None
    return tuple(int(part) for part in digits.group().split("."))


_ROWS = {name: sorted(((_parse(since), value) for since, value in row.items()), reverse=True) for name, row in TABLE.items()}
_selected = os.environ.get("KCOMPAT_KERAS_VERSION", _DEFAULT)

_scoped: ContextVar[str | None] = ContextVar("keras_version", default=None)


def keras_version() -> str:
    """The Keras release whose behaviour new objects take."""
    return _scoped.get() or _selected


def set_keras_version(version: str) -> None:
    """Let objects made from now on behave as in the Keras release `version` ("1.2.2", "2.2", "2.3.1", "2.15", "3").

    The default is "2.15" (tf.keras), or the environment variable KCOMPAT_KERAS_VERSION. A model file selects its own.
    """
    global _selected
    set_up(version)
    _selected = version


@contextlib.contextmanager
def keras_version_scope(version: str) -> Iterator[None]:
    """Select a Keras release for the objects made inside a `with` block."""
    if version not in _SETTLED:
        set_up(version)
    token = _scoped.set(version)
    try:
        yield
    finally:
        _scoped.reset(token)


def behaviour(row: str, version: str | None = None) -> Any:
    """The value of one row of the table for `version`, by default the selected one."""
    version = version or keras_version()
    settled = _SETTLED.get(version)
    if settled is None:
        settled = set_up(version)
    if row not in settled:
        raise UnknownNameError(f"No behaviour is called {row!r}. {nearest(row, _ROWS)}")
    return settled[row]


#: release -> row -> value, made once for each release that is selected: look-ups inside a call can then be traced
_SETTLED: dict[str, dict[str, Any]] = {}


def set_up(version: str) -> dict[str, Any]:
    """Settle every row for a release; look-ups for it can be traced from then on."""
    release = _parse(version)
    found = {}
    for name, row in _ROWS.items():
        found[name] = next((value for since, value in row if release >= since), row[-1][1])
    _SETTLED[version] = found
    return found


def latest(row: Mapping[str, Any], version: str) -> Any:
    """The value for `version` in a row `{first release: value}` of another table; None before the first."""
    release = _parse(version)
    held = [(_parse(since), value) for since, value in row.items() if _parse(since) <= release]
    return max(held, key=lambda pair: pair[0])[1] if held else None


def given(value: Any, row: str) -> Any:
    """`value`, or the generation's default from `row` where the caller gave none."""
    return behaviour(row) if value is NOT_GIVEN else value


#: the exact release that stands for a generation in files
_RELEASES = {"1": "1.2.2", "2": "2.15.0", "2.2": "2.2.4", "2.3": "2.3.1", "2.15": "2.15.0", "3": "3.15.1"}


def released(version: str) -> str:
    """The release that files of a generation name as their writer: '3.15.1' for '3', an exact one as it is."""
    return _RELEASES.get(version, version)


def positional(*rows: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator that gives positional arguments the meaning of the selected generation.

    The `rows` hold argument names separated by blanks; one after the other they are the order. Without positional
    arguments beyond the first (and `self`) nothing happens.
    """

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        method = function.__code__.co_varnames[:1] == ("self",)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            fixed, free = args[:method], args[method:]
            if len(free) > 1:
                order = list(dict.fromkeys(name for row in rows for name in behaviour(row).split() if name != "self"))
                if len(free) > len(order):
                    raise ArgumentTypeError(
                        f"{function.__qualname__} takes {len(order)} positional arguments ({', '.join(order)}), received {len(free)}."
                    )
                twice = set(order[: len(free)]) & set(kwargs)
                if twice:
                    raise ArgumentTypeError(f"{function.__qualname__} received `{min(twice)}` twice, by position and by name.")
                return function(*fixed, **dict(zip(order, free, strict=False)), **kwargs)
            return function(*args, **kwargs)

        return call

    return wrap


set_up(_selected)
