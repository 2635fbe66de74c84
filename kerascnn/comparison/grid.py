"""All cells of a study, one after the other or several at once; what is done is never done again."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import Empty, SimpleQueue

from kerascnn.comparison.cells import is_done, make_cell
from kerascnn.data.dataset import Dataset
from kerascnn.other_process import OtherProcess
from kerascnn.progress import Progress
from kerascnn.training.config import ResolvedConfig

CELL_MAKER = "kerascnn.comparison.cells:CellMaker"
STEPS = 100  # of the progress in a cell
#: Where in a cell each stage begins and ends, in steps; a stage that is not named changes nothing.
STAGES = {"training": (0, 90), "quantizing": (90, STEPS)}


def make_cells(cells: Sequence[ResolvedConfig], dataset: Dataset, jobs: int, progress: Progress) -> None:
    """Make every cell that lacks.

    Args:
        cells: In the order they are made.
        dataset: Their images.
        jobs: How many at once, each in a process of its own; 1: here.
        progress: Told about the whole grid.

    Raises:
        KerasCnnError: A cell failed; those done are kept.
    """
    left = [cell for cell in cells if not is_done(cell)]
    begun = len(cells) - len(left)
    progress("study", begun * STEPS, len(cells) * STEPS, _count(begun, len(cells)))
    if jobs == 1:
        for number, cell in enumerate(left, start=begun):
            make_cell(cell, dataset, _Within(progress, cell, number, len(cells)))
    elif left:
        _make_together(left, min(jobs, len(left)), begun, len(cells), progress)
    progress("study", len(cells) * STEPS, len(cells) * STEPS, _count(len(cells), len(cells)))


def _count(done: int, total: int) -> str:
    return f"{done} of {total} trainings done"


class _Within:
    """Progress of one cell as a part of the whole grid's."""

    def __init__(self, progress: Progress, cell: ResolvedConfig, number: int, cells: int) -> None:
        self._progress, self._number, self._cells = progress, number, cells
        self._name = f"{cell.head}, seed {cell.seed}"
        self._steps = 0

    def __call__(self, stage: str, done: int, total: int, detail: object) -> None:
        begins, ends = STAGES.get(stage, (self._steps, self._steps))
        self._steps = begins + (ends - begins) * done // max(total, 1)
        self._progress(
            "study",
            self._number * STEPS + self._steps,
            self._cells * STEPS,
            f"{self._name}: {stage} {done}/{total}  {detail}".rstrip(),
        )


def _make_together(
    left: Sequence[ResolvedConfig], jobs: int, begun: int, total: int, progress: Progress
) -> None:
    waiting: SimpleQueue[ResolvedConfig] = SimpleQueue()
    ended: SimpleQueue[Exception | None] = SimpleQueue()
    for cell in left:
        waiting.put(cell)

    def work(make: OtherProcess) -> None:
        try:
            while True:
                make("make", waiting.get_nowait())
                ended.put(None)
        except Empty:
            return
        except Exception as error:  # whatever it is, the other side waits for word
            ended.put(error)

    # The processes end first: a thread that waits for one would keep the pool from ending.
    with ThreadPoolExecutor(jobs) as pool, ExitStack() as processes:
        for _ in range(jobs):
            pool.submit(work, processes.enter_context(OtherProcess(CELL_MAKER, "trainings of a study")))
        for done in range(begun + 1, total + 1):
            failure = ended.get()
            if failure:
                raise failure
            progress("study", done * STEPS, total * STEPS, _count(done, total))
