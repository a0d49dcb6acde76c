"""Ctrl-C before, in and after a training."""

from __future__ import annotations

import os
import signal

import pytest

from chainrule.cli.interrupts import interrupts


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_in_a_training_it_raises_at_once_and_again_after_it(capsys):
    with interrupts() as watched:
        watched.on_start(None)
        with pytest.raises(KeyboardInterrupt):
            press()
        watched.on_end(None)
        assert not watched.late
        with pytest.raises(KeyboardInterrupt):
            press()
    assert capsys.readouterr().err == ""


def test_after_it_the_first_one_is_noted_and_the_second_one_raises(capsys):
    before = signal.getsignal(signal.SIGINT)
    with interrupts() as watched:
        watched.on_start(None)
        watched.on_end(None)
        press()
        assert watched.late
        assert capsys.readouterr().err == (
            "Interrupted after the training: the network is still scored and saved. Ctrl-C again "
            "ends that too, and then nothing is kept.\n"
        )
        with pytest.raises(KeyboardInterrupt):
            press()
    assert signal.getsignal(signal.SIGINT) == before


def test_between_two_starts_it_ends_the_second_one():
    with interrupts() as watched:
        watched.on_start(None)
        watched.on_end(None)
        press()
        with pytest.raises(KeyboardInterrupt):
            watched.on_start(None)
        assert not watched.late
