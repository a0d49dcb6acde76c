"""Illnesses, upstream first: data, labels, loss, start, network, step, loop, evaluation."""

from chainrule.doctor.illnesses import (
    activation_on_logits,
    clipping_too_tight,
    dead_biases,
    dropout_too_large,
    dying_relu,
    inputs_constant,
    inputs_too_large,
    inputs_too_small,
    labels_permuted,
    labels_unrelated,
    local_minimum,
    log_of_zero,
    no_hidden_activation,
    no_hidden_layer,
    non_finite_data,
    overfitting,
    rate_too_large,
    rate_too_small,
    schedule_too_steep,
    softmax_of_one,
    softmax_over_batch,
    softmax_over_everything,
    softmax_twice,
    sorted_batches,
    targets_broadcast,
    targets_constant,
    targets_out_of_reach,
    targets_too_large,
    too_few_epochs,
    too_few_units,
    validation_in_training,
    validation_scaled_differently,
    vanishing_gradient,
    weight_decay_too_large,
    weights_too_large,
    weights_too_small,
    wrong_axis,
    wrong_target_form,
    zero_weights,
)
from chainrule.doctor.illnesses.illness import Illness, Suspicion

#: What makes training impossible: asked of the case itself, before anything is computed.
OF_DATA = (non_finite_data, wrong_target_form)

#: What is computed is not what is meant: proved by the evidence alone.
OF_MEANING: tuple[Illness, ...] = (
    inputs_constant.ILLNESS,
    targets_constant.ILLNESS,
    targets_broadcast.ILLNESS,
    softmax_of_one.ILLNESS,
    softmax_twice.ILLNESS,
    softmax_over_everything.ILLNESS,
    softmax_over_batch.ILLNESS,
)

#: What keeps a network from learning.
OF_LEARNING: tuple[Illness, ...] = (
    inputs_too_large.ILLNESS,
    inputs_too_small.ILLNESS,
    targets_out_of_reach.ILLNESS,
    targets_too_large.ILLNESS,
    zero_weights.ILLNESS,
    weights_too_large.ILLNESS,
    weights_too_small.ILLNESS,
    dead_biases.ILLNESS,
    no_hidden_layer.ILLNESS,
    no_hidden_activation.ILLNESS,
    activation_on_logits.ILLNESS,
    log_of_zero.ILLNESS,
    weight_decay_too_large.ILLNESS,
    clipping_too_tight.ILLNESS,
    dropout_too_large.ILLNESS,
    too_few_epochs.ILLNESS,
    schedule_too_steep.ILLNESS,
    sorted_batches.ILLNESS,
    dying_relu.ILLNESS,
    rate_too_large.ILLNESS,
    rate_too_small.ILLNESS,
    vanishing_gradient.ILLNESS,
    too_few_units.ILLNESS,
)

#: Those of them that can be seen before training.
AT_THE_START: tuple[Illness, ...] = (
    inputs_too_large.ILLNESS,
    inputs_too_small.ILLNESS,
    targets_out_of_reach.ILLNESS,
    zero_weights.ILLNESS,
    weights_too_large.ILLNESS,
    weights_too_small.ILLNESS,
    dead_biases.ILLNESS,
    sorted_batches.ILLNESS,
    validation_in_training.ILLNESS,
)

#: What makes a network that learns look bad, or better than it is, or bad on other rows.
OF_EVALUATION: tuple[Illness, ...] = (
    validation_in_training.ILLNESS,
    validation_scaled_differently.ILLNESS,
    labels_permuted.ILLNESS,
    wrong_axis.ILLNESS,
    overfitting.ILLNESS,
)

LABELS_UNRELATED = labels_unrelated.ILLNESS
LOCAL_MINIMUM = local_minimum.ILLNESS

__all__ = [
    "AT_THE_START",
    "LABELS_UNRELATED",
    "LOCAL_MINIMUM",
    "OF_DATA",
    "OF_EVALUATION",
    "OF_LEARNING",
    "OF_MEANING",
    "Illness",
    "Suspicion",
]
