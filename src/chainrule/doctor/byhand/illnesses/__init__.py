"""Illnesses of programs by hand, upstream first."""

from chainrule.doctor.byhand.illnesses import (
    activation_on_logits,
    dead_biases,
    gradient_mistakes,
    inputs_too_large,
    inputs_too_small,
    integer_parameters,
    integers_perturbed,
    labels_permuted,
    labels_unrelated,
    local_minimum,
    log_of_zero,
    no_hidden_activation,
    non_finite_data,
    overfitting,
    rate_too_large,
    rate_too_small,
    softmax_over_batch,
    softmax_over_everything,
    softmax_twice,
    sorted_batches,
    step_mistakes,
    targets_broadcast,
    too_few_epochs,
    too_few_units,
    validation_scaled_differently,
    weights_too_large,
    weights_too_small,
    wrong_axis,
    wrong_target_form,
    zero_weights,
)
from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion

#: Before a gradient can be judged: the data, the shapes, and what the forward pass computes.
BEFORE_GRADIENTS: tuple[Illness, ...] = (
    non_finite_data.ILLNESS,
    integer_parameters.ILLNESS,
    integers_perturbed.ILLNESS,
    targets_broadcast.ILLNESS,
    wrong_target_form.ILLNESS,
    softmax_over_everything.ILLNESS,
    softmax_over_batch.ILLNESS,
    softmax_twice.ILLNESS,
    activation_on_logits.ILLNESS,
)
GRADIENTS, STEP = gradient_mistakes.mistakes, step_mistakes.mistakes
#: What a run of the program shows, whether it succeeds or not.
AFTER_A_RUN: tuple[Illness, ...] = (
    log_of_zero.ILLNESS,
    validation_scaled_differently.ILLNESS,
    labels_permuted.ILLNESS,
    wrong_axis.ILLNESS,
    overfitting.ILLNESS,
)
LABELS_UNRELATED = labels_unrelated.ILLNESS
#: What keeps a program from learning, decided by experiments.
OF_LEARNING: tuple[Illness, ...] = (
    inputs_too_large.ILLNESS,
    inputs_too_small.ILLNESS,
    zero_weights.ILLNESS,
    dead_biases.ILLNESS,
    weights_too_large.ILLNESS,
    weights_too_small.ILLNESS,
    no_hidden_activation.ILLNESS,
    sorted_batches.ILLNESS,
    rate_too_large.ILLNESS,
    rate_too_small.ILLNESS,
    too_few_epochs.ILLNESS,
    too_few_units.ILLNESS,
)
#: Asked of programs that learn, too: what they start from may cost them a lot.
WORTH_A_TRY: tuple[Illness, ...] = (
    inputs_too_large.ILLNESS,
    weights_too_large.ILLNESS,
    dead_biases.ILLNESS,
    sorted_batches.ILLNESS,
)
LOCAL_MINIMUM = local_minimum.ILLNESS

__all__ = [
    "AFTER_A_RUN",
    "BEFORE_GRADIENTS",
    "GRADIENTS",
    "LABELS_UNRELATED",
    "LOCAL_MINIMUM",
    "OF_LEARNING",
    "STEP",
    "WORTH_A_TRY",
    "Illness",
    "Suspicion",
]
