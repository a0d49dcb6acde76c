"""Histories in TensorBoard's event files and in MLflow, read back by these packages themselves."""

from __future__ import annotations

import math
import re
import shutil
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import MissingPackageError, OptionError, TrainingWarning

X, y = cr.data.gate("xor")


def fitted(callback, epochs=12, **options):
    net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1, "sigmoid"))
    settings = {"optimizer": cr.Adam(0.05), "metrics": "accuracy", "seed": 0} | options
    return net.fit(X, y, epochs=epochs, callbacks=callback, **settings)


# TensorBoard


@pytest.fixture
def events():
    """Reads the scalars of a folder: {tag: [(step, value), ...]}."""
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is absent"
    )

    def read(folder):
        found = accumulator.EventAccumulator(str(folder)).Reload()
        return {
            tag: [(event.step, event.value) for event in found.Scalars(tag)]
            for tag in found.Tags()["scalars"]
        }

    return read


def test_tensorboard_reads_what_was_written(tmp_path, events):
    history = fitted(cr.TensorBoard(tmp_path / "a" / "logs"), validation=(X, y))
    found = events(tmp_path / "a" / "logs")
    assert set(found) == {
        "loss/training", "loss/validation", "accuracy/training", "accuracy/validation",
        "learning_rate", "seconds",
    }  # fmt: skip
    for tag, column in {
        "loss/training": "loss",
        "accuracy/validation": "validation_accuracy",
    }.items():
        steps, values = zip(*found[tag], strict=True)
        assert steps == tuple(range(1, 13))
        np.testing.assert_allclose(values, history[column], rtol=1e-6)


def test_epochs_of_a_block_are_written_once_each(tmp_path, events):
    history = fitted(cr.TensorBoard(tmp_path), epochs=300, metrics=())
    steps, values = zip(*events(tmp_path)["loss/training"], strict=True)
    # The accumulator keeps a sample of long series; what it keeps must be right.
    assert len(set(steps)) == len(steps) > 100
    np.testing.assert_allclose(values, [history["loss"][step - 1] for step in steps], rtol=1e-6)


def test_every_start_has_its_own_folder(tmp_path, events):
    callback = cr.TensorBoard(tmp_path)
    fitted(callback, epochs=3)
    second = fitted(callback, epochs=2, seed=1)
    assert len(events(tmp_path)["loss/training"]) == 3
    np.testing.assert_allclose(
        [value for _, value in events(tmp_path / "start-2")["loss/training"]],
        second["loss"],
        rtol=1e-6,
    )


def test_a_training_taken_up_again_goes_on_in_its_record(tmp_path, events):
    logs, kept = tmp_path / "logs", cr.Checkpoint(tmp_path / "kept")
    fitted(cr.TensorBoard(logs), epochs=2, seed=3)  # another one's record is there
    fitted([cr.TensorBoard(logs), kept], epochs=3)
    history = fitted([cr.TensorBoard(logs), kept], epochs=5, resume=tmp_path / "kept")
    assert [step for step, _ in events(logs)["loss/training"]] == [1, 2]
    steps, values = zip(*events(logs / "start-2")["loss/training"], strict=True)
    assert steps == (1, 2, 3, 4, 5)
    np.testing.assert_allclose(values, history["loss"], rtol=1e-6)
    assert not (logs / "start-3").exists()
    shutil.rmtree(logs)
    fitted([cr.TensorBoard(logs), kept], epochs=7, resume=tmp_path / "kept")
    assert [step for step, _ in events(logs / "start-2")["loss/training"]] == [1, 2, 3, 4, 5, 6, 7]


def test_a_training_taken_up_again_without_a_record_begins_one(tmp_path, events):
    logs, kept = tmp_path / "logs", cr.Checkpoint(tmp_path / "kept")
    fitted(kept, epochs=3)
    fitted(cr.TensorBoard(logs), epochs=2, seed=3)
    fitted([cr.TensorBoard(logs), kept], epochs=5, resume=tmp_path / "kept")
    assert [step for step, _ in events(logs)["loss/training"]] == [1, 2]
    assert [step for step, _ in events(logs / "start-2")["loss/training"]] == [1, 2, 3, 4, 5]


def test_a_folder_that_is_deleted_does_not_end_the_training(tmp_path, capfd):
    pytest.importorskip("tensorboard", reason="tensorboard is absent")

    def delete(training):
        if training.epoch == 4:
            shutil.rmtree(tmp_path / "logs")

    expected = fitted(())
    with pytest.warns(TrainingWarning) as warned:
        history = fitted([cr.TensorBoard(tmp_path / "logs"), delete])
    (message,) = [str(each.message) for each in warned]
    assert message.startswith("TensorBoard keeps no record after epoch 4: [Errno 2] No such file")
    assert history["loss"] == expected["loss"]
    assert not (tmp_path / "logs").exists()
    assert capfd.readouterr().err == "", "no thread says anything by itself"


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OptionError, match=r"TensorBoard writes to a folder, and .*taken is a file"):
        cr.TensorBoard(tmp_path / "taken")


# MLflow


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A folder as MLflow's store, which the newest versions must be told to use."""
    pytest.importorskip("mlflow", reason="mlflow is absent")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return (tmp_path / "store").as_uri()


def client(store):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=store)


def refusing(callback, monkeypatch, method, after=0):
    """The callback, whose server is gone after so many calls of a method; and how often asked."""
    from mlflow.exceptions import MlflowException

    call, asked = getattr(callback.client, method), []

    def gone(*arguments, **options):
        asked.append(method)
        if len(asked) > after:
            raise MlflowException("the server is gone")
        return call(*arguments, **options)

    monkeypatch.setattr(callback.client, method, gone)
    return asked


def test_a_server_that_dies_does_not_end_the_training(store, monkeypatch):
    expected = fitted((), validation=(X, y))
    callback = cr.MLflow(uri=store)
    asked = refusing(callback, monkeypatch, "log_batch", after=1 + 5)  # the parameters, 5 epochs
    with pytest.warns(TrainingWarning) as warned:
        history = fitted(callback, validation=(X, y))
    assert [str(each.message) for each in warned] == [
        "MLflow keeps no record after epoch 5: the server is gone. The training goes on, and "
        "its history is whole."
    ]
    assert history["loss"] == expected["loss"]
    assert len(asked) == 7, "once it is lost, nothing is sent any more"
    assert len(client(store).get_metric_history(callback.run_ids[0], "loss")) == 5


def test_a_store_that_is_deleted_does_not_end_the_training(store, tmp_path):
    def delete(training):
        if training.epoch == 4:
            shutil.rmtree(tmp_path / "store")

    expected = fitted(())
    with pytest.warns(TrainingWarning, match="MLflow keeps no record after epoch 4: .*exist"):
        history = fitted([cr.MLflow(uri=store), delete])
    assert history["loss"] == expected["loss"]


def test_a_path_is_a_store(store, tmp_path):
    callback = cr.MLflow("gates", uri=tmp_path / "store")
    fitted(callback, epochs=2)
    assert client(store).get_run(callback.run_ids[0]).info.status == "FINISHED"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"uri": ""}, "MLflow needs uri to be text, got ''."),
        ({"uri": 5}, "MLflow needs uri to be text, got 5."),
        ({"run": " "}, "MLflow needs run to be text, got ' '."),
        ({"experiment": None}, "MLflow needs experiment to be text, got None."),
        ({"experiment": ""}, "MLflow needs experiment to be text, got ''."),
        ({"parameters": [1]}, "MLflow takes parameters by name, as a dict, not [1]."),
        ({"parameters": {1: 2}}, "MLflow takes parameters by name, and 1 is no text."),
    ],
)
def test_what_mlflow_is_not_given(store, options, message):
    with pytest.raises(OptionError, match=re.escape(message)):
        cr.MLflow(**({"uri": store} | options))


def test_optimizers_have_their_public_names(store):
    pytest.importorskip("sklearn", reason="scikit-learn is absent")

    class Own(cr.Adam):
        pass

    def logged(callback):
        return client(store).get_run(callback.run_ids[0]).data.params["optimizer"]

    own = cr.MLflow(uri=store)
    fitted(own, epochs=1, optimizer=Own(0.1))
    assert logged(own) == "Own"
    for solver, name in {"adam": "Adam", "sgd": "SGD"}.items():
        net = cr.NetworkClassifier(
            solver=solver, max_iter=1, schedule="cosine", callbacks=cr.MLflow(uri=store)
        ).fit(X, y.ravel())
        assert logged(net.callbacks_[0]) == name


def test_a_server_that_refuses_at_the_start(store, monkeypatch):
    callback = cr.MLflow(uri=store)
    refusing(callback, monkeypatch, "create_run")
    with pytest.raises(OptionError, match="MLflow cannot keep the record: the server is gone"):
        fitted(callback)


def test_an_error_in_training_fails_the_run(store):
    def broken(training):
        if training.epoch == 3:
            raise ZeroDivisionError("mine")

    callback = cr.MLflow(uri=store)
    with pytest.raises(ZeroDivisionError, match="mine"):
        fitted([callback, broken])
    assert client(store).get_run(callback.run_ids[0]).info.status == "FAILED"


def test_mlflow_reads_what_was_logged(store):
    callback = cr.MLflow("gates", run="first", uri=store, parameters={"gate": "xor"})
    history = fitted(callback, validation=(X, y))
    assert len(callback.run_ids) == 1
    run = client(store).get_run(callback.run_ids[0])
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "first"
    layers = run.data.params.pop("layers")
    assert layers.startswith("Dense(units=4, activation='tanh'")
    assert run.data.params == {
        "optimizer": "Adam", "learning_rate": "0.05", "epochs": "12", "rows": "4",
        "parameters": "17", "gate": "xor",
    }  # fmt: skip
    for column in ("loss", "validation_accuracy"):
        found = client(store).get_metric_history(run.info.run_id, column)
        assert [metric.step for metric in found] == list(range(1, 13))
        np.testing.assert_allclose([metric.value for metric in found], history[column])


def test_a_second_training_is_a_second_run_of_the_same_experiment(store):
    first = cr.MLflow("gates", run="a", uri=store)
    fitted(first, epochs=2)
    fitted(first, epochs=3)
    again = cr.MLflow("gates", uri=store)
    fitted(again, epochs=1)
    runs = client(store).search_runs([first.number])
    assert again.number == first.number
    assert {run.info.run_id for run in runs} == {*first.run_ids, *again.run_ids}
    assert client(store).get_run(first.run_ids[1]).info.run_name == "a 2"
    assert len(client(store).get_metric_history(first.run_ids[1], "loss")) == 3


def test_why_it_stopped_is_a_tag(store):
    callback = cr.MLflow(uri=store)
    fitted([callback, lambda training: training.stop("enough")], epochs=9)
    run = client(store).get_run(callback.run_ids[0])
    assert run.data.tags["stopped"] == "enough"
    assert run.info.status == "FINISHED"
    stopped = cr.MLflow(uri=store)

    def interrupt(training):
        if training.epoch == 2:
            raise KeyboardInterrupt

    fitted([stopped, interrupt], epochs=9)
    assert client(store).get_run(stopped.run_ids[0]).info.status == "KILLED"


def test_what_is_not_finite_is_left_out(store):
    callback = cr.MLflow(uri=store)
    fitted(callback, epochs=1)
    callback.write([{"epoch": 2, "loss": math.nan, "r2": 0.5}, {"epoch": 3, "loss": math.inf}])
    run = callback.run_ids[0]
    assert [metric.step for metric in client(store).get_metric_history(run, "loss")] == [1]
    assert [metric.value for metric in client(store).get_metric_history(run, "r2")] == [0.5]


def test_a_store_that_mlflow_refuses_is_told(tmp_path):
    pytest.importorskip("mlflow", reason="mlflow is absent")
    with pytest.raises(OptionError, match=r"MLflow does not keep runs at ftp://nowhere: .*ftp"):
        cr.MLflow(uri="ftp://nowhere")


# Neither


@pytest.mark.parametrize(
    ("make", "package"),
    [(lambda: cr.TensorBoard("logs"), "tensorboard"), (lambda: cr.MLflow(), "mlflow")],
)
def test_a_missing_package_is_told_in_a_line(monkeypatch, make, package):
    for name in [n for n in sys.modules if n.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError) as raised:
        make()
    assert str(raised.value).endswith(
        f"needs the package '{package}', which is not installed: pip install 'chainrule[tracking]'"
    )
    assert "\n" not in str(raised.value)
