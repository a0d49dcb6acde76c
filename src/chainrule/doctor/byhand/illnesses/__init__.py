"""Illnesses of programs by hand, upstream first."""

from chainrule.doctor.byhand.illnesses import (
    activation_on_logits,
    gradient_mistakes,
    inputs_scaled,
    integer_parameters,
    integers_perturbed,
    labels_permuted,
    labels_unrelated,
    local_minimum,
    log_of_zero,
    no_hidden_activation,
    non_finite_data,
    overfitting,
    rates,
    softmax_axes,
    softmax_twice,
    sorted_batches,
    starts,
    step_mistakes,
    targets_broadcast,
    too_few_epochs,
    too_few_units,
    validation_scaled_differently,
    wrong_axis,
    wrong_target_form,
)
from chainrule.doctor.byhand.illnesses.illness import Illness, Suspicion

#: Before a gradient can be judged: the data, the shapes, and what the forward pass computes.
BEFORE_GRADIENTS: tuple[Illness, ...] = (
    non_finite_data.ILLNESS,
    integer_parameters.ILLNESS,
    integers_perturbed.ILLNESS,
    targets_broadcast.ILLNESS,
    wrong_target_form.ILLNESS,
    softmax_axes.OVER_EVERYTHING,
    softmax_axes.OVER_BATCH,
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
    inputs_scaled.TOO_LARGE,
    inputs_scaled.TOO_SMALL,
    starts.ZERO_WEIGHTS,
    starts.DEAD_BIASES,
    starts.WEIGHTS_TOO_LARGE,
    starts.WEIGHTS_TOO_SMALL,
    no_hidden_activation.ILLNESS,
    sorted_batches.ILLNESS,
    rates.TOO_LARGE,
    rates.TOO_SMALL,
    too_few_epochs.ILLNESS,
    too_few_units.ILLNESS,
)
#: Asked of programs that learn, too: what they start from may cost them a lot.
WORTH_A_TRY: tuple[Illness, ...] = (
    inputs_scaled.TOO_LARGE,
    starts.WEIGHTS_TOO_LARGE,
    starts.DEAD_BIASES,
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
