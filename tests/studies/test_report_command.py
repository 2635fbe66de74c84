"""``report``: a study's reports once more, a single run's, and what devices measured."""

import json
import shlex
import shutil
import subprocess
import sys

import pytest
from commands import run_command
from refusals import FAILED, USAGE, refused
from report_page import Page, no_blank_or_network
from signalled import exists, interrupted

FORMS = ("html", "md", "csv", "tex", "json")
JSON = ("--format", "json", "--json")  # the other forms are drawn, which takes longer than all the rest
INT8 = "tflite/static_wi8_ai8.tflite"


@pytest.fixture(scope="module")
def made(part_of_study):
    """A folder with a study, and what the command printed about it."""
    study, document = part_of_study("fc,nin", seeds=1)
    return study.parent, document


@pytest.fixture(scope="module")
def bench(made, shared):
    """What ``benchmark`` printed about one of its files, in a file. 10 s of processor time."""

    def fill(folder):
        measured = ("benchmark", made[0] / f"study/runs/nin-1/{INT8}", "--runs", 20, "--json")
        (folder / "bench.json").write_text(run_command(*measured, cwd=folder).out)

    return shared("bench", fill) / "bench.json"


@pytest.fixture
def study(made, tmp_path):
    """The study at another place."""
    shutil.copytree(made[0] / "study", tmp_path / "moved")
    return tmp_path / "moved"


def elsewhere(document):
    """Return what a document says, but for the places of its files."""
    return {name: value for name, value in document.items() if name not in ("study", "reports")}


def test_a_study_is_reported_again_with_the_figures_measured_at_its_end(made, study, cli):
    page = (study / "report.html").read_bytes()
    for file in study.glob("report.*"):
        file.unlink()
    (study / "figures/differences.svg").rename(study / "figures/of-an-earlier-head.svg")
    (again,) = cli("report", study, "--json").json
    assert (study / "figures/differences.svg").exists()
    assert not (study / "figures/of-an-earlier-head.svg").exists()
    assert elsewhere(again) == elsewhere(made[1])
    assert again["reports"] == [
        str(study / f"report{each}") for each in (".html", ".md", ".csv", "-verdicts.csv", ".tex", ".json")
    ]
    assert (study / "report.html").read_bytes() == page
    assert json.loads((study / "report.json").read_text()) == again


def test_a_study_that_is_not_finished_is_refused_with_the_way_on(study, cli):
    record = json.loads((study / "study.json").read_text())
    del record["ending"]
    (study / "study.json").write_text(json.dumps(record))
    way_on = ["kerascnn compare lenet --heads fc,nin", f"--out {study}"]
    refused(cli("report", study), FAILED, "not finished", *way_on)


@pytest.mark.parametrize(
    "change",
    [
        lambda ending: ending.pop("int8"),
        lambda ending: ending["int8"].pop("fc"),
        lambda ending: ending["int8"]["fc"].update(latency={}),
        lambda ending: ending["int8"]["fc"]["latency"].update(median="x"),
        lambda ending: ending["int8"]["fc"].update(layers=[]),
        lambda ending: ending["int8"]["fc"]["layers"][0].pop("cosine"),
        lambda ending: ending.update(margin=-1),
        lambda ending: ending.update(machine=[]),
        lambda ending: ending.update(runs={}),
        lambda ending: ending["runs"].update(fc=[]),
        lambda ending: ending["runs"].update(fc=["runs/fc-1", "runs/fc-1"]),
        lambda ending: ending.pop("sha256"),
        lambda ending: ending["sha256"].update(fc=[]),
    ],
)
def test_a_damaged_record_is_one_line(study, cli, change):
    record = json.loads((study / "study.json").read_text())
    change(record["ending"])
    (study / "study.json").write_text(json.dumps(record))
    refused(cli("report", study), FAILED, "study.json is damaged or of another format")


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(settings={}),
        lambda record: record.update(environment={}),
        lambda record: record["settings"].pop("variant"),
        lambda record: record["settings"].update(seeds=5),
        lambda record: record["environment"].update(versions="x"),
    ],
)
def test_a_record_that_lacks_what_reports_need_is_one_line(study, cli, change):
    record = json.loads((study / "study.json").read_text())
    change(record)
    (study / "study.json").write_text(json.dumps(record))
    refused(cli("report", study), FAILED, "study.json is damaged")


@pytest.mark.long
def test_layers_whose_noise_is_not_known_are_told(study, cli):
    record = json.loads((study / "study.json").read_text())
    for layer in record["ending"]["int8"]["fc"]["layers"]:
        layer["own_sqnr"] = None
    (study / "study.json").write_text(json.dumps(record))
    assert cli("report", study, "--format", "md").code == 0
    assert "fc: no operator's own noise is known." in (study / "report.md").read_text(encoding="utf-8")


def test_a_study_tells_which_of_its_runs_is_not_whole(study, cli):
    (study / "runs/fc-1" / INT8).unlink()
    refused(cli("report", study), FAILED, f"{study} was made from", "fc-1", "kerascnn quantize")
    shutil.rmtree(study / "runs/fc-1")
    refused(cli("report", study), FAILED, f"{study} was made from", "fc-1 does not exist")


def test_a_study_that_goes_on_keeps_its_end_until_the_new_one_is_there(study, cli):
    for written in study.glob("figures/*"):
        written.unlink()
    (study / "figures").rmdir()
    (study / "figures").write_text("no folder")
    before = (study / "study.json").read_bytes()
    again = cli("compare", "lenet", "--heads", "fc,nin", "--epochs", 2, "--out", study)
    refused(again, FAILED, "figures cannot be written to")
    assert (study / "study.json").read_bytes() == before


def test_an_interrupted_training_is_told(study, cli):
    run = study / "runs/fc-1"
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"state": "interrupted"}))
    config = (run / "config.toml").read_text()
    (run / "config.toml").write_text(config.replace("epochs = 2\n", "epochs = 5\n"))
    (told,) = cli("report", run, *JSON).json
    assert f"{run}: its training is incomplete: it has 2 of 5 epochs." in told["notes"]


def test_ctrl_c_says_that_files_may_be_half_new(study, tmp_path):
    shutil.rmtree(study / "figures")
    last = interrupted("report", study, at=exists("moved/figures"), folder=tmp_path)
    assert last.startswith(f"Error: Interrupted: some files in {study} are new, others old or missing")


def test_a_single_run_gets_the_same_reports(study, cli):
    run = study / "runs/fc-1"
    (told,) = cli("report", run, "--json").json
    (head,) = told["heads"]
    assert told["verdicts"] == []
    assert told["reports"][0] == str(run / "report/report.html")
    page = Page((run / "report/report.html").read_text(encoding="utf-8"))
    no_blank_or_network(page)
    words = "as in float to every image" if head["agreement"] == 1 else f"to {100 * head['agreement']:.2f} %"
    assert f"fc in int8 (360 test images, 1 seed): the same answer {words}" in page.text
    assert "how much another one would change is not known" in page.text
    assert "int8 minus float, 10 classes" in page.text
    assert f"kerascnn train --config {run / 'config.toml'}" in page.text
    assert (run / "report/report.md").read_text(encoding="utf-8").startswith("# LeNet-5 on digits: fc\n")
    whole = json.loads((study / "report.json").read_text())["heads"][0]
    assert (head["accuracy"], head["int8"]) == (whole["accuracy"], whole["int8"])


def test_the_error_of_each_layer_is_told(made):
    folder, document = made
    page = Page((folder / "study/report.html").read_text(encoding="utf-8"))
    for head in document["heads"]:
        layers = head["int8_layers"]
        worst = min(
            (one for one in layers if one["own_sqnr_db"] is not None), key=lambda one: one["own_sqnr_db"]
        )
        assert f"{head['head']}: {worst['layer']}" in page.text
        assert f"adds the most noise, {worst['own_sqnr_db']:.1f} dB below its values." in page.text
    assert "n = 100 validation images" in page.text


@pytest.mark.long
def test_measurements_are_put_to_the_files_they_measured(study, bench, cli):
    (entry,) = json.loads(bench.read_text())["models"]
    forms = ("--format", "html,md", "--json")
    (told,) = cli("report", study, "--attach", bench, *forms).json
    (found,) = told["measurements"]
    assert (found["name"], found["seed"], found["file"]) == ("nin", 1, INT8)
    for name in ("median_us", "p95_us", "p99_us", "first_us", "init_ms", "runs", "threads", "memory_mib"):
        assert found[name] == entry[name]
    page = Page((study / "report.html").read_text(encoding="utf-8"))
    no_blank_or_network(page)
    header, row = next(table for table in page.tables if "device" in table[0])
    assert row[header.index("median in µs")] == f"{entry['median_us']:,.1f}"
    assert f"| {entry['median_us']:,.1f} |" in (study / "report.md").read_text(encoding="utf-8")
    (without,) = cli("report", study, *forms).json
    assert without["measurements"] == []
    assert "Measured on devices" not in (study / "report.html").read_text(encoding="utf-8")


def test_what_a_bundle_measures_is_attached_too(study, cli, tmp_path):
    cli("bundle", study / "runs/fc-1", "--target", "generic", "--out", tmp_path / "bundle")
    command = [
        sys.executable,
        tmp_path / "bundle/run.py",
        "--benchmark",
        "--runs",
        "5",
        "--threads",
        "1",
        "--json",
    ]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (tmp_path / "pi.json").write_text(printed)
    (told,) = cli("report", study / "runs/fc-1", "--attach", tmp_path / "pi.json", *JSON).json
    (found,) = told["measurements"]
    assert (found["name"], found["file"], found["delegate"], found["runs"]) == ("fc", INT8, "cpu", 5)
    assert found["median_us"] == json.loads(printed)["models"][0]["median_us"]
    assert found["memory_mib"] is None


def test_what_is_attached_twice_is_told_once(study, bench, cli):
    (told,) = cli("report", study, "--attach", bench, "--attach", bench, *JSON).json
    assert len(told["measurements"]) == 1
    refused(cli("report", study, "--attach", bench, "--format", "csv,tex"), USAGE, "html, json, md")


@pytest.mark.long
def test_a_measurement_is_put_to_every_copy_of_its_file(study, bench, cli, tmp_path):
    copy = shutil.copytree(study / "runs/nin-1", tmp_path / "copy")
    both = cli("compare", study / "runs/nin-1", copy, "--format", "csv", "--json").json["study"]
    (told,) = cli("report", both, "--attach", bench, *JSON).json
    assert [each["name"] for each in told["measurements"]] == ["nin-1", "copy"]


@pytest.mark.long
def test_a_device_may_have_any_name(study, bench, cli, tmp_path):
    document = json.loads(bench.read_text())
    document["device"] = {"machine": "<b>Pi</b> | 5", "before": {"celsius": 50.5, "throttled": None}}
    (tmp_path / "named.json").write_text(json.dumps(document))
    forms = ("--format", "html,md", "--json")
    (told,) = cli("report", study, "--attach", tmp_path / "named.json", *forms).json
    assert told["measurements"][0]["device"] == "<b>Pi</b> | 5, before celsius 50.5"
    assert "&lt;b&gt;Pi&lt;/b&gt; | 5" in (study / "report.html").read_text(encoding="utf-8")
    assert r"\| 5" in (study / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", ["cannot be read as JSON"]),
        ("[" * 200_000, ["cannot be read as JSON"]),
        ("[]", ["kerascnn benchmark --json", "models"]),
        ('{"models": 1, "device": {}}', ["kerascnn benchmark --json"]),
        ('{"models": [], "device": {}}', ["models", "at least 1"]),
        ('{"models": [{"model_sha256": "ab"}], "device": {}}', ["models.0.threads", "required"]),
    ],
)
def test_what_is_no_measurement_is_refused(made, cli, tmp_path, document, words):
    (tmp_path / "bench.json").write_text(document)
    before = (made[0] / "study/report.json").stat().st_mtime_ns
    refused(
        cli("report", made[0] / "study", "--attach", tmp_path / "bench.json"), FAILED, "bench.json", *words
    )
    assert (made[0] / "study/report.json").stat().st_mtime_ns == before


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1", '"fast"'])
def test_times_are_finite_numbers(made, bench, cli, tmp_path, number):
    entry = bench.read_text().replace('"median_us": ', f'"median_us": {number}, "was": ')
    (tmp_path / "bench.json").write_text(entry)
    refused(cli("report", made[0] / "study", "--attach", tmp_path / "bench.json"), FAILED, "median_us")


def test_measurements_of_other_files_are_refused(made, bench, cli):
    told = cli("report", made[0] / "study/runs/fc-1", "--attach", bench)
    refused(told, FAILED, "bench.json measured other files")
    assert not (made[0] / "study/runs/fc-1/report").exists()


def test_only_the_formats_asked_for_are_written(study, cli):
    run = study / "runs/nin-1"
    told = cli("report", run, "--format", "tex,csv", "--json").json
    files = ["report.csv", "report-verdicts.csv", "report.tex"]
    assert {path.name for path in (run / "report").iterdir()} == set(files)
    assert told[0]["reports"] == [str(run / "report" / file) for file in files]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["report", "{study}", "--format", "pdf"], USAGE, ["'pdf'", "html, md, csv, tex, json"]),
        (["report", "{study}/figures"], FAILED, ["is not a run"]),
        (["report", "{study}/gone"], FAILED, ["does not exist"]),
        (["report", "{study}", "--attach", "gone.json"], FAILED, ["gone.json is missing"]),
    ],
)
def test_bad_input(made, cli, arguments, code, words):
    given = [each.replace("{study}", str(made[0] / "study")) for each in arguments]
    refused(cli(*given), code, *words)


@pytest.mark.long
def test_runs_that_were_compared_are_reported_again(study, cli, tmp_path):
    named = study.rename(tmp_path / "it's & `all`")
    runs = [named / "runs/fc-1", named / "runs/nin-1"]
    formats = ["--format", "md,json", "--json"]
    first = cli("compare", *runs, "--margin", 3, "--out", tmp_path / "both", *formats).json
    command = ["kerascnn", "compare", *map(str, runs), "--margin", "3"]
    assert shlex.split(first["settings"]["command"]) == command
    assert f"\n    {first['settings']['command']}\n" in (tmp_path / "both/report.md").read_text()
    (again,) = cli("report", tmp_path / "both", *JSON).json
    assert elsewhere(again) == elsewhere(first)
