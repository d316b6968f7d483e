"""Training: it learns, the same seed learns the same, it stops when asked and goes on where it stopped."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_welllog.errors import Cancelled, ModelError, OutputError
from napari_welllog.synthetic import PressSettings, print_window
from napari_welllog.unet import load_model, windows
from napari_welllog.unet.annotated import Patch
from napari_welllog.unet.losses import DEFAULT_LOSS
from napari_welllog.unet.network import UNet
from napari_welllog.unet.train import (
    PEAK_RATE,
    WARM_UP,
    TrainingStatus,
    learning_rate,
    score_windows,
    train,
)
from napari_welllog.unet.training_settings import TrainingSettings
from napari_welllog.unet.windows import HELD_OUT, to_ink

module = import_module("napari_welllog.unet.train")

TINY = TrainingSettings(steps=4, batch=2, window=(64, 64), tall_window=(64, 64), held_out=2, workers=0)


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    return load_model(path).network.state_dict()


def are_equal(one: Path, other: Path) -> bool:
    pairs = zip(tensors_of(one).values(), tensors_of(other).values(), strict=True)
    return all(torch.equal(first, second) for first, second in pairs)


def after(steps: int) -> Callable[[], bool]:
    """Ask to stop after so many batches."""
    asked = iter(range(steps + 1))
    return lambda: next(asked) == steps


@pytest.fixture(scope="module")
def straight_through(tmp_path_factory) -> Path:
    """The weights of a tiny training that nothing disturbed."""
    path = tmp_path_factory.mktemp("train") / "straight.safetensors"
    train(path, TINY)
    return path


def test_a_training_writes_weights_that_say_how_they_were_made(straight_through) -> None:
    model = load_model(straight_through)
    said = model.provenance
    assert (said["loss"], said["seed"], said["steps"], said["windows"]) == (DEFAULT_LOSS, "1", "4", "8")
    assert said["data"] == "printing press of napari-welllog, no real page"
    assert said["torch"] == torch.__version__
    assert len(said["held_out_f1"].split()) == 2
    assert float(said["minutes"]) >= 0
    assert list(straight_through.parent.iterdir()) == [straight_through]


def test_training_lowers_the_loss(tmp_path) -> None:
    told: list[TrainingStatus] = []
    settings = replace(TINY, steps=61, batch=3)
    scores = train(tmp_path / "w.safetensors", settings, progress=told.append)
    assert [status.step for status in told] == [20, 40, 60]
    assert [status.fraction for status in told] == [20 / 61, 40 / 61, 60 / 61]
    assert told[2].loss < 0.9 * told[0].loss
    assert told[0].scores is not None
    assert 0 <= scores.accuracy <= 1


def test_the_same_seed_trains_the_same_weights(straight_through, tmp_path) -> None:
    train(tmp_path / "again.safetensors", TINY)
    assert are_equal(tmp_path / "again.safetensors", straight_through)


def test_another_seed_or_press_trains_other_weights(straight_through, tmp_path) -> None:
    train(tmp_path / "seed.safetensors", replace(TINY, seed=2))
    assert not are_equal(tmp_path / "seed.safetensors", straight_through)
    train(tmp_path / "press.safetensors", TINY, PressSettings(bilevel_share=0.0))
    assert not are_equal(tmp_path / "press.safetensors", straight_through)


def test_windows_printed_by_another_process_are_the_same(straight_through, tmp_path) -> None:
    train(tmp_path / "worker.safetensors", replace(TINY, workers=1))
    assert are_equal(tmp_path / "worker.safetensors", straight_through)


def test_a_training_that_was_stopped_goes_on_where_it_was(straight_through, tmp_path) -> None:
    """Stopped after two batches of four and resumed, it ends with the weights of one that ran through."""
    out, checkpoint = tmp_path / "w.safetensors", tmp_path / "checkpoints" / "run.pt"
    with pytest.raises(Cancelled):
        train(out, TINY, checkpoint=checkpoint, cancelled=after(2))
    assert not out.exists()
    assert list(checkpoint.parent.iterdir()) == [checkpoint]
    train(out, TINY, checkpoint=checkpoint, resume=True)
    assert load_model(out).provenance["steps"] == "4"
    assert are_equal(out, straight_through)


def test_a_training_stopped_before_its_first_batch_leaves_a_checkpoint_too(
    straight_through, tmp_path
) -> None:
    checkpoint = tmp_path / "run.pt"
    with pytest.raises(Cancelled):
        train(tmp_path / "w.safetensors", TINY, checkpoint=checkpoint, cancelled=lambda: True)
    train(tmp_path / "w.safetensors", TINY, checkpoint=checkpoint, resume=True)
    assert are_equal(tmp_path / "w.safetensors", straight_through)


def test_a_finished_training_can_be_made_longer(tmp_path) -> None:
    out, checkpoint = tmp_path / "w.safetensors", tmp_path / "run.pt"
    train(out, replace(TINY, steps=1), checkpoint=checkpoint)
    train(out, replace(TINY, steps=3), checkpoint=checkpoint, resume=True)
    said = load_model(out).provenance
    assert (said["steps"], said["windows"]) == ("3", "6")


def test_without_resume_a_training_starts_afresh(straight_through, tmp_path) -> None:
    checkpoint = tmp_path / "run.pt"
    train(tmp_path / "w.safetensors", replace(TINY, seed=5, steps=1), checkpoint=checkpoint)
    train(tmp_path / "w.safetensors", TINY, checkpoint=checkpoint)
    assert are_equal(tmp_path / "w.safetensors", straight_through)


def test_resuming_where_there_is_no_checkpoint_starts_afresh(straight_through, tmp_path) -> None:
    train(tmp_path / "w.safetensors", TINY, checkpoint=tmp_path / "run.pt", resume=True)
    assert are_equal(tmp_path / "w.safetensors", straight_through)


def test_the_checkpoint_is_kept_up_to_date_while_training(tmp_path, monkeypatch) -> None:
    """About once a minute, here told by a clock that runs fast."""
    ticks = iter(range(0, 10_000, 40))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(ticks)))
    saved: list[int] = []
    monkeypatch.setattr(module._Run, "save", lambda run: saved.append(run.step))
    train(tmp_path / "w.safetensors", TINY, checkpoint=tmp_path / "run.pt")
    assert saved == [2, 4, 4], "each time 80 seconds are over, and at the end"


def test_minutes_are_kept_to(tmp_path, monkeypatch) -> None:
    ticks = iter(range(0, 10_000, 5))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(ticks)))
    train(tmp_path / "w.safetensors", replace(TINY, steps=None, minutes=0.5))
    said = load_model(tmp_path / "w.safetensors").provenance
    assert said["minutes"] == "0.5"
    assert said["steps"] == "6"


@pytest.mark.parametrize("none", [{"steps": 0}, {"steps": None, "minutes": 0.0}])
def test_no_time_at_all_is_no_training(tmp_path, none) -> None:
    train(tmp_path / "w.safetensors", replace(TINY, **none))
    assert load_model(tmp_path / "w.safetensors").provenance["steps"] == "0"


def test_windows_come_again_upside_down_and_batches_are_wide_and_tall_in_turn() -> None:
    settings = replace(TINY, batch=4, window=(32, 64), tall_window=(64, 32))
    row = list(itertools.islice(windows.TurnedWindows(settings, PressSettings(), 0), 4 * (windows.LATER + 4)))
    batches = [row[k : k + 4] for k in range(0, len(row), 4)]
    assert [batch[0][0].shape[1:] for batch in batches[:3]] == [(32, 64), (64, 32), (32, 64)]
    assert all(len({ink.shape for ink, _ in batch}) == 1 for batch in batches)
    for batch, again in zip(batches, batches[windows.LATER :], strict=False):
        for (ink, labels), (turned_ink, turned_labels) in zip(batch[:2], again[2:], strict=True):
            assert torch.equal(ink[0], turned_ink[0].rot90(2))
            assert torch.equal(labels, turned_labels.rot90(2))


def test_training_that_goes_on_sees_the_windows_it_would_have_seen() -> None:
    settings = replace(TINY, batch=4, window=(32, 64), tall_window=(64, 32))
    whole, rest = (windows.TurnedWindows(settings, PressSettings(), first) for first in (0, 48))
    for (ink, _), (same, _) in zip(itertools.islice(whole, 48, 56), itertools.islice(rest, 8), strict=True):
        assert torch.equal(ink, same)


@pytest.mark.parametrize("workers", [1, 2])
def test_however_many_processes_print_the_batches_are_the_same(workers) -> None:
    settings = replace(TINY, batch=4, window=(32, 64), tall_window=(64, 32))
    alone, together = (
        module._Run(replace(settings, workers=count), PressSettings(), None)._batches()
        for count in (0, workers)
    )
    for (ink, labels), (same_ink, same_labels) in itertools.islice(zip(alone, together, strict=True), 14):
        assert torch.equal(ink, same_ink)
        assert torch.equal(labels, same_labels)


def test_beside_annotated_windows_each_printed_one_comes_twice_the_second_time_upside_down() -> None:
    settings = TrainingSettings(batch=2, window=(64, 96), annotated_share=0.5)
    patch = Patch(np.full((80, 120), 200, np.uint8), np.zeros((80, 120), np.uint8), "window", "scan")
    patch.labels[:, 60] = 1
    mixed = windows.MixedWindows(settings, PressSettings(), 0, [patch])
    printed = [ink for ink, _ in itertools.islice(mixed, 80)][::2]  # the first of two is printed
    fresh, again = printed[::2], printed[1::2]
    assert len({window.numpy().tobytes() for window in fresh}) == len(fresh)
    for window, later in zip(fresh, again[windows.LATER :], strict=False):
        assert torch.equal(window.flip(1, 2), later)
    late = windows.MixedWindows(settings, PressSettings(), 40, [patch])
    assert torch.equal(next(iter(late))[0], printed[20]), (
        "training that is resumed goes on with the same windows"
    )


def test_no_window_is_both_trained_on_and_measured_on(tmp_path, monkeypatch) -> None:
    seeds: list[int] = []

    def note(seed: int, press: PressSettings, rows: int, columns: int):
        seeds.append(seed)
        return print_window(seed, press, rows, columns)

    monkeypatch.setattr(module, "print_window", note)
    monkeypatch.setattr(windows, "print_window", note)
    train(tmp_path / "w.safetensors", replace(TINY, seed=12_345))
    trained, measured = [s for s in seeds if s < HELD_OUT], [s for s in seeds if s >= HELD_OUT]
    assert len(set(trained)) == len(trained) >= 8
    assert set(measured) == {HELD_OUT, HELD_OUT + 1}


# --- What is refused ---


def test_an_unknown_loss_is_refused_by_name(tmp_path) -> None:
    with pytest.raises(
        ModelError, match="no loss named 'hinge'; choose one of cross-entropy, weighted, focal"
    ):
        train(tmp_path / "w.safetensors", replace(TINY, loss="hinge"))
    assert not list(tmp_path.iterdir())


def test_at_a_learning_rate_of_nothing_nothing_is_learnt(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "learning_rate", lambda fraction: 0.0)
    train(tmp_path / "weights.safetensors", TINY)
    trained = tensors_of(tmp_path / "weights.safetensors")
    torch.manual_seed(TINY.seed)
    for name, numbers in UNet().named_parameters():
        torch.testing.assert_close(trained[name], numbers)


def test_an_unknown_optimiser_is_refused_by_name(tmp_path) -> None:
    with pytest.raises(ModelError, match="no optimiser 'sgd'; choose one of muon, adamw"):
        train(tmp_path / "weights.safetensors", replace(TINY, optimiser="sgd"))


@pytest.mark.parametrize("content", [b"", b"not a checkpoint\n" * 30, b"PK\x03\x04junk"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content) -> None:
    checkpoint = tmp_path / "run.pt"
    checkpoint.write_bytes(content)
    with pytest.raises(ModelError, match=r"run\.pt' is not a checkpoint") as error:
        train(tmp_path / "w.safetensors", TINY, checkpoint=checkpoint, resume=True)
    assert "\n" not in str(error.value)
    assert checkpoint.read_bytes() == content
    assert list(tmp_path.iterdir()) == [checkpoint]


def test_the_checkpoint_of_another_network_is_refused(tmp_path) -> None:
    torch.save({"network": UNet((4, 6, 8)).state_dict()}, tmp_path / "run.pt")
    with pytest.raises(ModelError, match="not a checkpoint of this training"):
        train(tmp_path / "w.safetensors", TINY, checkpoint=tmp_path / "run.pt", resume=True)


def test_weights_that_cannot_be_written_are_refused_before_training(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(module, "print_window", lambda *args: pytest.fail("training began"))
    monkeypatch.setattr(windows, "print_window", lambda *args: pytest.fail("training began"))
    with pytest.raises(OutputError, match="is a file"):
        train(tmp_path / "file" / "w.safetensors", TINY)


def test_a_checkpoint_that_cannot_be_written_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="is a file"):
        train(tmp_path / "w.safetensors", TINY, checkpoint=tmp_path / "file" / "run.pt", cancelled=after(1))


# --- Parts ---


def test_a_short_training_is_not_averaged_with_where_it_began() -> None:
    average = [torch.zeros(2)]
    for step in range(1, 101):
        module._average(average, [torch.ones(2)], step)
    assert average[0].min() > 0.99


def test_the_learning_rate_climbs_briefly_and_falls_to_nothing() -> None:
    rates = [learning_rate(k / 1000) for k in range(1001)]
    peak = int(np.argmax(rates))
    assert abs(peak / 1000 - WARM_UP) <= 0.002
    assert 0 < rates[0] < 0.1 * PEAK_RATE
    assert max(rates) == pytest.approx(PEAK_RATE)
    assert (np.diff(rates[: peak + 1]) >= 0).all()
    assert (np.diff(rates[peak:]) <= 0).all()
    assert rates[500] > 0.4 * PEAK_RATE
    assert math.isclose(rates[-1], 0, abs_tol=1e-12)


def test_ink_is_one_and_paper_is_nothing() -> None:
    ink = to_ink(np.array([[0, 255, 51]], np.uint8))
    assert ink.shape == (1, 1, 1, 3)
    torch.testing.assert_close(ink.ravel(), torch.tensor([1.0, 0.0, 0.8]))


def test_scores_are_of_the_network_as_it_predicts() -> None:
    """In evaluation mode: measuring twice gives the same, and changes nothing in the network."""
    network = UNet()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first, again = (score_windows(network, range(2), PressSettings(), (64, 64)) for _ in range(2))
    assert first.accuracy == again.accuracy
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)
