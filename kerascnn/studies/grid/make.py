"""All cells of a study, one after the other or several at once; what is done is never done again."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import Empty, SimpleQueue

from kerascnn.data.dataset import Dataset
from kerascnn.foundation.process import OtherProcess
from kerascnn.foundation.progress import Progress
from kerascnn.studies.grid.cell import is_done, make_cell
from kerascnn.training.config import ResolvedConfig

CELL_MAKER = "kerascnn.studies.grid.cell:CellMaker"
STEPS = 100  # of the progress in a cell
#: Where in a cell each stage begins and ends, in steps; a stage that is not named changes nothing. The last
#: step is that the answers are written.
STAGES = {"training": (0, 90), "quantizing": (90, STEPS - 1)}

Told = Callable[[str, int, str], None]  # a cell's name, its steps done, and what it does in words


def make_cells(cells: Sequence[ResolvedConfig], dataset: Dataset, jobs: int, progress: Progress) -> None:
    """Train every missing cell.

    Args:
        cells: In the order they are made.
        dataset: Their images.
        jobs: How many at once, each in a process of its own; 1: here.
        progress: Told about the whole grid.

    Raises:
        KerasCnnError: A cell failed; those done are kept.
    """
    left = [cell for cell in cells if not is_done(cell)]
    whole = _Whole(progress, len(cells) - len(left), len(cells))
    if jobs == 1:
        for cell in left:
            make_cell(cell, dataset, _of_cell(cell, whole))
            whole(_name(cell), STEPS, "done")
    elif left:
        _make_together(left, min(jobs, len(left)), whole)


class _Whole:
    """Progress of the grid, from that of its cells."""

    def __init__(self, progress: Progress, begun: int, cells: int) -> None:
        self._progress, self._begun, self._cells = progress, begun, cells
        self._steps: dict[str, int] = {}
        self._tell(self._count())

    def __call__(self, cell: str, steps: int, words: str) -> None:
        self._steps[cell] = steps
        self._tell(self._count() if steps == STEPS else f"{cell}: {words}")

    def _count(self) -> str:
        done = self._begun + sum(steps == STEPS for steps in self._steps.values())
        return f"{done} of {self._cells} trainings done"

    def _tell(self, words: str) -> None:
        steps = self._begun * STEPS + sum(self._steps.values())
        self._progress("study", steps, self._cells * STEPS, words)


def _name(cell: ResolvedConfig) -> str:
    return f"{cell.head}, seed {cell.seed}"


def _of_cell(cell: ResolvedConfig, told: Told) -> Progress:
    """Return what a cell tells its progress, in steps of the cell."""
    steps = 0

    def tell(stage: str, done: int, total: int, detail: object) -> None:
        nonlocal steps
        begins, ends = STAGES.get(stage, (steps, steps))
        steps = begins + (ends - begins) * done // max(total, 1)
        told(_name(cell), steps, f"{stage} {done}/{total}  {detail}".rstrip())

    return tell


def _make_together(left: Sequence[ResolvedConfig], jobs: int, whole: _Whole) -> None:
    waiting: SimpleQueue[ResolvedConfig] = SimpleQueue()
    events: SimpleQueue[Exception | tuple[str, int, str]] = SimpleQueue()
    for cell in left:
        waiting.put(cell)

    def put(*event: *tuple[str, int, str]) -> None:
        events.put(event)

    def work(make: OtherProcess) -> None:
        try:
            while True:
                cell = waiting.get_nowait()
                make("make", cell, progress=_of_cell(cell, put))
                put(_name(cell), STEPS, "done")
        except Empty:
            return
        except Exception as error:  # whatever it is, the other side waits for word
            events.put(error)

    # The processes end first: a thread that waits for one would keep the pool from ending.
    with ThreadPoolExecutor(jobs) as pool, ExitStack() as processes:
        for _ in range(jobs):
            pool.submit(work, processes.enter_context(OtherProcess(CELL_MAKER, "trainings of a study")))
        done = 0
        while done < len(left):
            event = events.get()
            if isinstance(event, Exception):
                raise event
            whole(*event)
            done += event[1] == STEPS
