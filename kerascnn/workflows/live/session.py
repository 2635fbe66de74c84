"""A training in the eyes of its viewers: what they see, and what they want."""

import time
from dataclasses import replace
from threading import Lock
from typing import Any

from kerascnn.foundation.errors import UsageError
from kerascnn.training.interventions import MOST, factor_at
from kerascnn.training.loop.observer import Go, Order, Watched
from kerascnn.training.loop.status import TrainingFigures
from kerascnn.training.run import Run
from kerascnn.workflows.live.pictures import Camera, Pictures

PRESENT = 3.0  # seconds after its last look that a viewer counts as present
MOST_POINTS = 200  # of a curve
SHARE = 0.02  # of the time, at most, for pictures while it trains
SOONEST = 0.5  # seconds between two pictures
LEAST_FACTOR, MOST_FACTOR = 1e-4, 1e4


class Session:
    """Observes a training for any number of viewers.

    Its methods as an observer are called by the thread that trains, the others by the server's.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen = float("-inf")
        self._phase, self._message = "preparing", ""
        self._watched: Watched | None = None
        self._figures: TrainingFigures | None = None
        self._points: list[tuple[float, float, float]] = []
        self._spacing, self._told = 1, 0
        self._go: Go = "on"
        self._steps, self._stop = 0, False  # steps that are wanted while it is paused
        self._factor: float | None = None
        self._camera: Camera | None = None
        self._pictures: Pictures | None = None
        self._number, self._chosen, self._due = 0, 0, 0.0
        self._rate = 0.0

    # What training calls.

    def begin(self, training: Watched) -> None:
        """Take what is watched."""
        camera = Camera(training.model(), training.data)
        with self._lock:
            self._watched, self._camera, self._phase = training, camera, "training"

    def report(self, figures: TrainingFigures) -> None:
        """Take the latest figures."""
        with self._lock:
            self._figures = figures
            if figures.loss is not None and figures.accuracy is not None and figures.step:
                self._add_point(figures.epoch - 1 + figures.step / figures.steps, figures)
            if len(figures.finished) == figures.epochs or (self._stop and self._ended_early(figures)):
                self._phase = "testing"
        self._look()

    def order(self) -> Order:
        """Return what the viewers want now."""
        with self._lock:
            factor, self._factor = self._factor, None
            order = Order(self._go, factor, self._stop)
            if order.go == "pause" and self._steps:
                self._steps -= 1
                order = replace(order, go="one step")
            self._phase = "paused" if order.go == "pause" and not order.stop else "training"
        if order.go == "pause" and factor is None:
            self._look()
        return order

    def end(self, run: Run) -> None:
        """Take the run that the training has written."""
        self._finish(run.record.state, "")

    # What the server calls.

    @property
    def is_watched(self) -> bool:
        """Whether a viewer has looked within the last seconds."""
        return time.monotonic() - self._seen < PRESENT

    def fail(self, message: str) -> None:
        """Say why the training has ended, unless it has ended well."""
        if self._phase not in ("done", "interrupted"):
            self._finish("failed", message)

    def facts(self) -> dict[str, Any] | None:
        """Return what does not change; ``None`` before the training begins."""
        camera = self._camera
        return camera.facts() if camera else None

    def state(self, seen: int, *, looks: bool) -> dict[str, Any]:
        """Return what viewers see.

        Args:
            seen: Number of the pictures that this viewer has.
            looks: Whether it is in front of someone's eyes.
        """
        with self._lock:
            if looks:
                self._seen = time.monotonic()
            state = {"phase": self._phase, "message": self._message, "number": self._number}
            state["pausing"] = self._phase == "training" and self._go == "pause"
            state |= self._of_training()
            pictures = self._pictures if self._number > seen else None
        return state | {"pictures": pictures.to_dict() if pictures else None}

    def control(self, do: object, value: object = None) -> None:
        """Note what a viewer wants.

        Raises:
            UsageError: There is no such control, or it cannot be done now; nothing has changed.
        """
        with self._lock:
            if self._watched is None or self._phase not in ("training", "paused"):
                raise UsageError("The training does not run.")
            match do, value:
                case "pause" | "continue", None:
                    self._go, self._steps = ("pause" if do == "pause" else "on"), 0
                case "step", None:
                    self._go, self._steps = "pause", self._steps + 1
                case "rate", (int() | float()) as times if not isinstance(times, bool):
                    self._factor = self._new_factor(times)
                case "stop", None:
                    self._stop = True
                case "choose", int(number) if number in range(
                    len(self._camera.labels if self._camera else ())
                ):
                    self._chosen = number
                case _:
                    raise UsageError("There is no such control.")

    def _new_factor(self, times: float) -> float:
        if not 0 < times <= MOST_FACTOR / LEAST_FACTOR:
            raise UsageError("The factor must be a positive number.")
        changes = self._watched.interventions() if self._watched else ()
        factor = times * (self._factor or factor_at(changes, self._place))
        if not LEAST_FACTOR <= factor <= MOST_FACTOR:
            raise UsageError(f"The factor must stay between {LEAST_FACTOR:g} and {MOST_FACTOR:g}.")
        if len(changes) >= MOST - 1:  # the last one is left for the stop
            raise UsageError(f"A training takes at most {MOST} changes.")
        return factor

    @property
    def _place(self) -> tuple[int, int]:
        return (self._figures.epoch, self._figures.step) if self._figures else (1, 0)

    def _ended_early(self, figures: TrainingFigures) -> bool:
        return len(figures.finished) == figures.epoch

    def _finish(self, phase: str, message: str) -> None:
        with self._lock:
            self._phase, self._message = phase, message

    def _add_point(self, at: float, figures: TrainingFigures) -> None:
        """Keep every n-th point; n doubles whenever there are too many."""
        assert figures.loss is not None
        assert figures.accuracy is not None
        if self._told % self._spacing == 0:
            self._points.append((round(at, 4), figures.loss, figures.accuracy))
        self._told += 1
        if len(self._points) > MOST_POINTS:
            self._points, self._spacing = self._points[::2], 2 * self._spacing

    def _look(self) -> None:
        """Take pictures if someone looks and it is time; while it is paused, whenever something is new."""
        if not (self.is_watched and self._watched and self._camera):
            return
        old, place, chosen, began = self._pictures, self._place, self._chosen, time.monotonic()
        if old and (old.place, old.chosen) == (place, chosen):
            return
        if self._phase != "paused" and began < self._due:
            return
        self._watched.model()
        pictures = self._camera.take(place, chosen)
        rate = self._watched.learning_rate()
        now = time.monotonic()
        with self._lock:
            self._pictures, self._number, self._rate = pictures, self._number + 1, rate
            self._due = now + max(SOONEST, (now - began) / SHARE)

    def _of_training(self) -> dict[str, Any]:
        watched, figures = self._watched, self._figures
        if watched is None or figures is None:
            return {}
        left = (figures.epochs - figures.epoch + 1) - figures.step / figures.steps
        images, speed = len(watched.data.train), figures.images_per_second
        changes = watched.interventions()
        return {
            "run": str(watched.run),
            "of": watched.of,
            "epoch": figures.epoch,
            "epochs": figures.epochs,
            "step": figures.step,
            "steps": figures.steps,
            "loss": figures.loss,
            "accuracy": figures.accuracy,
            "images_per_second": speed,
            "seconds_left": left * images / speed if speed else None,
            "validation": _validation(figures),
            "points": self._points,
            "steps_alone": watched.steps_alone,
            "factor": self._factor or factor_at(changes, self._place),
            "learning_rate": self._rate,
            "interventions": [change.model_dump(exclude_defaults=True) for change in changes],
        }


def _validation(figures: TrainingFigures) -> list[tuple[int, float, float]]:
    """Return (epoch, loss, accuracy) of so many epochs as a curve can show, the last one among them."""
    rows = figures.finished
    spacing = len(rows) // MOST_POINTS + 1
    return [(row["epoch"], row["val_loss"], row["val_accuracy"]) for row in rows[::-spacing]][::-1]
