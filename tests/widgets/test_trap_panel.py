"""The 97 % trap as a lesson: two networks side by side, whatever happens is shown."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("napari")

from napari_welllog.unet.trap import caught_up_after, farthest_apart, found_after, trap_patch
from napari_welllog.widgets.trap import TrapPanel, story

module = import_module("napari_welllog.widgets.trap")


@pytest.fixture
def panel(qtbot, monkeypatch) -> TrapPanel:
    monkeypatch.setattr(module, "trap_patch", lambda seed: trap_patch(seed, rows=64, columns=64))
    made = TrapPanel()
    qtbot.addWidget(made)
    made.steps = 10
    return made


def finish(qtbot, panel: TrapPanel, button: Any) -> None:
    with qtbot.waitSignal(panel.bar.finished, timeout=120_000):
        button.click()


def test_both_networks_are_trained_and_drawn_as_they_learn(qtbot, panel) -> None:
    panel.loss.loss.setCurrentText("focal+dice")
    finish(qtbot, panel, panel.bar.run_button)
    assert panel.bar.message.text() == ""
    assert [status.step for status in panel.statuses] == [0, 5, 10]
    for which in ("plain", "chosen"):
        accuracy, recall = panel.plots.lines[which]
        assert accuracy.steps == recall.steps == [0, 5, 10]
        assert accuracy.values == [getattr(status, which).accuracy for status in panel.statuses]
    assert panel.plots.plain_title.text() == "cross-entropy"
    assert panel.plots.chosen_title.text() == "focal+dice"
    assert panel.plots.chosen_map.image.image.shape[:2] == (64, 64)
    assert np.array_equal(panel.plots.patch.image.image, panel.patch.pixels)
    assert "After 10 of 10 batches" in panel.story.text()
    panel.loss.loss.setCurrentText("dice")
    assert panel.plots.chosen_title.text() == "focal+dice", "what is drawn was learnt by that"


def test_another_patch_is_another_and_begins_with_nothing(qtbot, panel) -> None:
    finish(qtbot, panel, panel.bar.run_button)
    first = panel.patch.pixels
    finish(qtbot, panel, panel.another_button)
    assert not np.array_equal(panel.patch.pixels, first)
    assert panel.statuses == []
    assert panel.plots.lines["plain"][0].steps == []
    assert "of this patch is background" in panel.story.text()
    finish(qtbot, panel, panel.bar.run_button)
    assert panel.patch.seed == 1


def test_the_first_patch_is_there_when_somebody_looks(qtbot, panel) -> None:
    with qtbot.waitSignal(panel.bar.finished, timeout=60_000):
        panel.show()
    assert panel.patch.seed == 0
    assert panel.plots is not None


def test_cancel_leaves_what_was_drawn(qtbot, panel) -> None:
    panel.steps = 100_000
    panel.bar.run_button.click()
    qtbot.waitUntil(lambda: len(panel.statuses) > 1, timeout=120_000)
    assert not panel.another_button.isEnabled()
    panel.bar.cancel_button.click()
    assert panel.bar.run_button.isEnabled()
    assert panel.another_button.isEnabled()
    assert len(panel.plots.lines["plain"][0].steps) > 1


def told(*recalls: tuple[float, float]) -> list[Any]:
    """Statuses of these curve recalls, plain and chosen, five batches apart."""

    def learner(name: str, recall: float) -> Any:
        return SimpleNamespace(loss_name=name, accuracy=0.97, curve_recall=recall)

    steps = 5 * (len(recalls) - 1)
    return [
        SimpleNamespace(step=5 * k, steps=steps, plain=learner("cross-entropy", a), chosen=learner("dice", b))
        for k, (a, b) in enumerate(recalls)
    ]


def test_the_story_tells_the_trap_and_that_plain_cross_entropy_caught_up() -> None:
    statuses = told((0, 0), (0, 0.8), (0.6, 0.9), (0.9, 0.91))
    assert (found_after(statuses, "plain"), found_after(statuses, "chosen")) == (10, 5)
    assert farthest_apart(statuses).step == 5
    assert caught_up_after(statuses) == 15
    text = story(statuses)
    assert (
        "After 5 batches plain cross-entropy was 97.0% accurate and found 0% of the curves, dice 80%." in text
    )
    assert text.endswith("From batch 15 on plain cross-entropy is no worse in recall.")


def test_the_story_tells_when_it_did_not_and_when_there_was_no_trap() -> None:
    assert caught_up_after(told((0, 0), (0, 0.5))) is None
    assert story(told((0, 0), (0, 0.9))).endswith("Plain cross-entropy has not caught up.")
    assert "was 97" not in story(told((0, 0), (0.7, 0.6)))
