"""One page that lists runs and studies."""

import json
import shutil
from pathlib import Path
from urllib.parse import unquote

from made_up_study import made_up_study
from refusals import USAGE, refused
from report_page import Page

from kerascnn.studies.grid.record import Ending, Record
from kerascnn.studies.results.scope import Scope


def _study(folder, run):
    """Write what a finished study leaves, without any training: of a head the one run, of another none."""
    study = made_up_study("fc", "conv1x1")
    folder.mkdir(parents=True)
    names = {head.name: [f"runs/{head.name}-1"] for head in study.heads}
    shutil.copytree(run, folder / "runs" / "fc-1")
    ending = Ending(
        margin=0.2,
        machine={"cpu": "a"},
        runs=names,
        sha256={name: [["a", "b"]] for name in names},
        int8={head.name: head.figures for head in study.heads},
        scope=Scope(left_out=("nin-1",)),
    )
    Record(settings=study.settings, environment=study.environment, ending=ending).write(folder)
    (folder / "report.json").write_text(json.dumps(study.to_dict()))
    (folder / "report.html").touch()
    return study


def test_the_index_lists_runs_and_studies_with_links(cli, run, tmp_path):
    study = _study(tmp_path / "studies" / "über a", run)
    (tmp_path / "studies" / "begun").mkdir()
    (tmp_path / "studies" / "begun" / "study.json").write_text("{")
    shutil.copytree(run, tmp_path / "runs" / "b")
    answer = cli("runs", "--html", "pages/index.html", "--json")
    assert answer.json == {"page": str(Path("pages/index.html")), "runs": 1, "studies": 2}
    page = Page((tmp_path / "pages/index.html").read_text("utf-8"))
    (_, begun, *heads), (_, trained) = page.tables
    assert begun[0] == "begun"
    assert [row[4] for row in heads] == ["fc", "conv1x1"]
    assert heads[0][3] == "2, 1 training left out"
    assert heads[0][7].startswith(" 3 epochs, best ")
    assert heads[1][7] == "–"
    assert heads[0][5] == f"{100 * study.heads[0].accuracy.mean:.2f} %"
    accuracy = json.loads((run / "metrics.json").read_text())["test"]["accuracy"]
    assert trained[:6] == ["b", "lenet5", "fc", "digits", "done", f"{100 * accuracy:.2f} %"]
    assert trained[6].startswith(" 3 epochs, best ")
    links = {unquote(each) for each in page.addresses if not each.startswith(("#", "data:"))}
    assert links == {"../studies/über a/report.html", "../studies/begun", "../runs/b/card.md"}
    assert all((tmp_path / "pages" / each).exists() for each in links)


def test_a_page_of_somebody_else_stays(cli, tmp_path):
    (tmp_path / "index.html").write_text("<p>mine")
    answer = cli("runs", "--html", "index.html")
    assert answer.code == 1
    assert "was not made by kerascnn" in answer.err
    assert (tmp_path / "index.html").read_text() == "<p>mine"


def test_a_page_that_is_no_html_file_is_refused(cli):
    refused(cli("runs", "--html", "."), USAGE, "The page is an HTML file. Received: out='.'")
