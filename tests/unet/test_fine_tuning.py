"""Training on annotations: it begins from a network, is measured on what is held out, and keeps the best."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_welllog.annotations import AnnotationFolder, Place, ScanIdentity
from napari_welllog.errors import AnnotationsError, Cancelled, ModelError, OutputError
from napari_welllog.scan import Scan
from napari_welllog.synthetic import PressSettings, print_window
from napari_welllog.unet import Model, load_model, windows
from napari_welllog.unet.annotated import read_annotated
from napari_welllog.unet.network import UNet
from napari_welllog.unet.scores import curve_f1
from napari_welllog.unet.train import TrainingStatus, score_crops, train
from napari_welllog.unet.training_settings import TrainingSettings
from napari_welllog.unet.weights import save_weights
from napari_welllog.unet.windows import HELD_OUT

module = import_module("napari_welllog.unet.train")

TINY = TrainingSettings(steps=4, batch=4, window=(64, 64), tall_window=(64, 64), held_out=4, workers=0)


@cache
def printed():
    for seed in range(100):
        log = print_window(seed, rows=384, columns=128)
        if all((log.classes[top : top + 128] > 0).sum() > 100 for top in range(0, 384, 128)):
            return log
    raise AssertionError


@pytest.fixture
def folder(tmp_path: Path) -> AnnotationFolder:
    """Three windows of one scan, looked at whole."""
    log = printed()
    made = AnnotationFolder.open(tmp_path / "annotations", make=True)
    identity = ScanIdentity.of(Scan(log.scan))
    for top in range(0, 384, 128):
        place = Place(top=top, left=0, rows=128, columns=128)
        made.add(log.scan, place, identity, log.classes[place.slices], looked_at=[(top, top + 127)])
    return made


@pytest.fixture(scope="module")
def beginner(tmp_path_factory) -> Path:
    """A network that has learnt next to nothing."""
    path = tmp_path_factory.mktemp("start") / "beginner.safetensors"
    torch.manual_seed(9)
    save_weights(path, UNet(), {"loss": "none"})
    return path


def weights_of(path: Path) -> list[torch.Tensor]:
    return list(load_model(path).network.state_dict().values())


def are_equal(one: Path, other: Path) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights_of(one), weights_of(other), strict=True))


def after(steps: int) -> Callable[[], bool]:
    asked = iter(range(10_000))
    return lambda: next(asked) >= steps


def test_fine_tuning_learns_the_annotated_scan_and_tells_how_it_goes(folder, beginner, tmp_path) -> None:
    told: list[TrainingStatus] = []
    seen: list[Model] = []
    settings = replace(TINY, steps=60, rate=4e-3, annotated_share=0.75)
    out = tmp_path / "mine.safetensors"
    scores = train(
        out, settings, progress=told.append, annotations=folder, start=str(beginner), current=seen.append
    )
    assert told[0].step == 0, "first what there is to beat"
    assert told[0].scores is not None
    assert np.isnan(told[0].loss)
    losses = [status.held_out_loss for status in told]
    assert None not in losses
    assert losses[-1] < 0.8 * losses[0]
    assert curve_f1(scores) >= max(curve_f1(status.scores) for status in told)
    best = [status.best for status in told]
    assert best == sorted(best)
    assert len(told) >= 15
    assert len(seen) >= 15
    assert len({model.sha256 for model in seen}) == len(seen)
    assert not any(model.network.training for model in seen)
    assert told[-1].windows_at_once == settings.batch


def test_the_weights_say_where_they_come_from(folder, beginner, tmp_path) -> None:
    out = tmp_path / "mine.safetensors"
    settings = replace(TINY, loss="weighted", loss_parameters={"curve_two_weight": 12.0})
    train(out, settings, annotations=folder.path, start=beginner)
    said = load_model(out).provenance
    assert said["started_from"] == f"beginner {load_model(beginner).sha256}"
    assert said["annotations"] == folder.sha256()
    assert said["annotated_windows"] == "2 learnt from, 1 held out by window"
    assert said["annotated_share"] == "0.4"
    assert said["loss_parameters"] == "curve_two_weight=12"
    assert said["data"] == "annotated windows and the printing press of napari-welllog"
    assert (said["loss"], said["steps"], said["windows"]) == ("weighted", "4", "16")


def test_printed_and_annotated_windows_come_in_turn_by_their_share(folder, tmp_path, monkeypatch) -> None:
    seeds: list[int] = []

    def note(seed: int, *more):
        seeds.append(seed)
        return print_window(seed, *more)

    monkeypatch.setattr(windows, "print_window", note)
    train(tmp_path / "w.safetensors", replace(TINY, annotated_share=0.75), annotations=folder)
    in_batches = [seed for seed in seeds if seed < HELD_OUT]
    assert len(set(in_batches)) == len(in_batches) == 5, (
        "one in each batch of four, and one that was not used"
    )
    seeds.clear()
    train(tmp_path / "w.safetensors", replace(TINY, annotated_share=1.0), annotations=folder)
    assert seeds == []


def test_a_network_that_only_gets_worse_stays_as_it_was(folder, beginner, tmp_path, monkeypatch) -> None:
    """The network that training began with counts as the best so far."""
    qualities = iter([0.9, *np.linspace(0.8, 0.1, 50)])
    monkeypatch.setattr(module, "curve_f1", lambda scores: next(qualities))
    out = tmp_path / "w.safetensors"
    train(out, TINY, annotations=folder, start=beginner)
    assert are_equal(out, beginner)
    assert load_model(out).provenance["best_step"] == "0"


def test_stop_keeps_the_best_so_far(folder, beginner, tmp_path, monkeypatch) -> None:
    qualities = iter([0.1, 0.9, 0.5, 0.3, 0.2])
    monkeypatch.setattr(module, "curve_f1", lambda scores: next(qualities))
    out = tmp_path / "w.safetensors"
    train(out, replace(TINY, steps=20), annotations=folder, start=beginner, stopped=after(4))
    said = load_model(out).provenance
    assert (said["steps"], said["best_step"]) == ("4", "2")


def test_cancel_writes_nothing(folder, beginner, tmp_path) -> None:
    out = tmp_path / "out" / "w.safetensors"
    with pytest.raises(Cancelled):
        train(out, TINY, annotations=folder, start=beginner, cancelled=after(2))
    assert not out.parent.exists()


def test_a_fine_tuning_that_was_stopped_goes_on_where_it_was(folder, beginner, tmp_path) -> None:
    straight, out, checkpoint = (tmp_path / name for name in ("a.safetensors", "b.safetensors", "run.pt"))
    more = {"annotations": folder, "start": beginner}
    train(straight, TINY, **more)
    with pytest.raises(Cancelled):
        train(out, TINY, checkpoint=checkpoint, cancelled=after(2), **more)
    train(out, TINY, checkpoint=checkpoint, resume=True, **more)
    assert load_model(out).provenance["best_step"] == load_model(straight).provenance["best_step"]
    assert are_equal(out, straight)


def test_a_checkpoint_knows_what_it_began_with(folder, beginner, tmp_path) -> None:
    """Going on, the network need not be named again; naming another is a mistake that would go unseen."""
    out, checkpoint = tmp_path / "w.safetensors", tmp_path / "run.pt"
    with pytest.raises(Cancelled):
        train(out, TINY, checkpoint=checkpoint, cancelled=after(2), annotations=folder, start=beginner)
    train(out, TINY, checkpoint=checkpoint, resume=True, annotations=folder)
    assert load_model(out).provenance["started_from"].startswith("beginner ")
    kept = checkpoint.read_bytes()
    with pytest.raises(
        ModelError, match=r"began with beginner \(.*\), not with welllog-1 \(.*go on from that"
    ):
        train(out, TINY, checkpoint=checkpoint, resume=True, annotations=folder, start="welllog-1")
    assert checkpoint.read_bytes() == kept


def test_a_checkpoint_of_a_network_of_another_size_says_what_it_began_with(
    folder, beginner, tmp_path
) -> None:
    out, checkpoint = tmp_path / "w.safetensors", tmp_path / "run.pt"
    with pytest.raises(Cancelled):
        train(out, TINY, checkpoint=checkpoint, cancelled=after(1), annotations=folder, start=beginner)
    state = torch.load(checkpoint, weights_only=True)
    torch.save({**state, "network": UNet((8, 16, 32, 48, 64)).state_dict()}, checkpoint)
    with pytest.raises(ModelError, match=r"began with beginner \(.*\), not with welllog-1"):
        train(out, TINY, checkpoint=checkpoint, resume=True, annotations=folder, start="welllog-1")


def test_when_memory_runs_out_batches_are_computed_in_parts(folder, tmp_path, monkeypatch) -> None:
    told: list[TrainingStatus] = []
    forward, sizes = UNet.forward, []

    def small(network: UNet, ink: torch.Tensor) -> torch.Tensor:
        if network.training:
            if len(ink) > 1:
                raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
            sizes.append(len(ink))
        return forward(network, ink)

    monkeypatch.setattr(UNet, "forward", small)
    out = tmp_path / "w.safetensors"
    train(out, TINY, annotations=folder, progress=told.append)
    assert sizes == [1] * 16
    assert told[-1].windows_at_once == 2, "one by each of the two threads that learn"
    assert load_model(out).provenance["steps"] == "4"


def test_memory_too_small_for_one_window_is_said(folder, tmp_path, monkeypatch) -> None:
    forward = UNet.forward

    def none(network: UNet, ink: torch.Tensor) -> torch.Tensor:
        if network.training:
            raise MemoryError
        return forward(network, ink)

    monkeypatch.setattr(UNet, "forward", none)
    with pytest.raises(ModelError, match="not enough memory to train on a single window"):
        train(tmp_path / "out" / "w.safetensors", TINY, annotations=folder)
    assert not (tmp_path / "out").exists()


def test_parts_of_a_batch_have_the_gradients_of_the_whole(monkeypatch) -> None:
    """For a loss that is a mean over windows, in 32 bits and without the statistics of a batch."""
    monkeypatch.setattr(module, "has_fast_bfloat16", lambda: False)
    gradients = []
    for at_once in (4, 2):
        run = module._Run(replace(TINY, loss="cross-entropy"), module.PressSettings(), None)
        run.network.eval()
        run.windows_at_once = at_once
        torch.manual_seed(2)
        loss = run._gradients(torch.rand(4, 1, 64, 64), torch.randint(0, 3, (4, 64, 64)))
        gradients.append(
            [loss, *(float(p.grad.sum()) for p in run.network.parameters() if p.grad is not None)]
        )
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-2, atol=1e-5)


def test_wide_annotated_curves_do_not_drown_thin_printed_ones(folder) -> None:
    """The loss of each kind counts by its number of windows, however many curve pixels these hold."""
    run = module._Run(
        replace(TINY, annotated_share=0.5, loss="dice"), PressSettings(), None, read_annotated(folder)
    )
    kinds = run._are_annotated(4)
    assert kinds.tolist() == [False, True, False, True]
    labels = torch.zeros(4, 32, 32, dtype=torch.int64)
    labels[kinds], labels[~kinds, :, 5:7] = 1, 1
    found, missed = (torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).float() * 20 for _ in range(2))
    missed[~kinds] = 0
    missed[~kinds, 0] = 20
    losses = [float(run._loss_by_kind(logits, labels, kinds)) for logits in (found, missed)]
    assert losses[1] - losses[0] > 0.2, "missing every thin curve is a quarter of all that can be lost"


def test_fine_tuning_keeps_the_statistics_of_all_other_pages(folder, beginner, tmp_path) -> None:
    train(tmp_path / "w.safetensors", TINY, annotations=folder, start=beginner)
    before, after = (load_model(path).network.state_dict() for path in (beginner, tmp_path / "w.safetensors"))
    statistics = [name for name in before if "running" in name]
    assert statistics
    for name in statistics:
        torch.testing.assert_close(before[name], after[name], rtol=0, atol=0)


def test_scores_of_crops_are_those_of_the_network_as_it_predicts(folder) -> None:
    network, log = UNet(), printed()
    crops = [(log.scan[:64, :64], log.classes[:64, :64]), (log.scan[64:128, :64], log.classes[64:128, :64])]
    loss = module.loss_function("cross-entropy")
    first, again = (score_crops(network, crops, loss) for _ in range(2))
    assert first == again or np.isnan(first[0].precision).any()
    assert first[1] > 0


# --- What is refused, with nothing changed on the disk ---


def refused(tmp_path: Path, error: type[Exception], match: str, **arguments) -> None:
    out = tmp_path / "out" / "w.safetensors"
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(error, match=match) as caught:
        train(out, arguments.pop("settings", TINY), **arguments)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert not out.parent.exists()


def test_one_single_window_is_refused_with_what_to_do(folder, tmp_path) -> None:
    for name in list(folder.windows)[1:]:
        folder.remove(name)
    refused(tmp_path, AnnotationsError, "annotate a second window", annotations=folder.path)


def test_a_folder_of_a_newer_version_is_refused(folder, tmp_path) -> None:
    file = next(folder.path.glob("*_window.json"))
    file.write_text(json.dumps(json.loads(file.read_text()) | {"version": 7}))
    refused(tmp_path, AnnotationsError, "is of version 7", annotations=folder.path)


def test_a_folder_without_windows_is_refused(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    refused(tmp_path, AnnotationsError, "holds no annotated window", annotations=tmp_path / "empty")


def test_weights_of_another_architecture_are_refused(folder, tmp_path) -> None:
    from safetensors.torch import save_file

    save_file({"w": torch.zeros(2)}, tmp_path / "other.safetensors", {"architecture": "ResNet"})
    refused(
        tmp_path,
        ModelError,
        "holds the weights of 'ResNet'",
        annotations=folder,
        start=tmp_path / "other.safetensors",
    )
    refused(tmp_path, ModelError, "There is no model 'nobody'", start="nobody")


def test_the_network_that_training_begins_with_is_not_overwritten(folder, beginner, tmp_path) -> None:
    content = beginner.read_bytes()
    with pytest.raises(OutputError, match="is being read and would be overwritten"):
        train(beginner, TINY, annotations=folder, start=beginner)
    assert beginner.read_bytes() == content


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"loss": "hinge"}, "no loss named 'hinge'"),
        ({"loss": "dice", "loss_parameters": {"gamma": 2.0}}, "has no parameter 'gamma'; it has none"),
        ({"loss": "focal", "loss_parameters": {"gamma": -1.0}}, "'gamma' is -1; choose it from 0 to 8"),
        ({"loss": "focal", "loss_parameters": {"gamma": float("nan")}}, "'gamma' is nan"),
    ],
)
def test_losses_and_numbers_that_there_are_not_are_refused(tmp_path, changes, match) -> None:
    refused(tmp_path, ModelError, match, settings=replace(TINY, **changes))
