"""Run the experiments behind docs/results.md and write their tables and figures into the pages.

    python docs/make_results.py run --data FOLDER [--jobs 2]   # hours on two cores; finished points are skipped
    python docs/make_results.py strategies [--jobs 2] [--override training.steps=20 ...]  # one part of `run`, no data
    python docs/make_results.py sizes [--jobs 2]               # another part, 125 trainings
    python docs/make_results.py squad_mixing --data FOLDER [--jobs 2]  # another part, two hours
    python docs/make_results.py speed --data FOLDER [--only NAME ...]  # the programs of benchmarks/, half an hour
    python docs/make_results.py write                          # fill the marked parts of README.md and of docs/

FOLDER is laid out as `train/squad-dev.*.jsonl.gz` and `eval/xquad-r/*.json`. A marked part looks like

    <!-- table: SWEEP/NAME -->    from multirun/SWEEP/report/tables/NAME.md; its CSV goes to docs/results/
    <!-- short: NAME -->         five columns of the CSV docs/results/NAME.csv
    <!-- models: backbone -->     the sizes of each family of conf/backbone, counted
    <!-- recipes: FAMILY/GPU -->  what its 1b, 3b and 10b need on that GPU, and the first recipe that fits
    <!-- figure: SWEEP/NAME -->   from multirun/SWEEP/report/figures/NAME.png
    <!-- answers: SWEEP/NAME -->  the sentences of one answer of its report
    <!-- opening: SWEEP -->       the sentences that open the page of its report
    <!-- rates: SWEEP -->         validation of each alpha at each learning rate; the best of each alpha is marked
    <!-- differences: SWEEP/DATASET/CONFIGURATION -->  its mAP minus that of each other one, with intervals and p
    <!-- paper: NAME -->          the sentences of one answer on the numbers that the paper printed
    <!-- negatives: NAME -->     the CSV docs/results/NAME.csv of benchmarks/mined_false_negatives.py as shares
    <!-- notes: SWEEP/DATASET --> what the reader of a test set says of it
    <!-- output: NAME -->         what benchmarks/NAME.py printed
    <!-- machine: SWEEP -->       versions and hardware of the sweep's first run
    <!-- end -->

A mark whose sweep is not below multirun/, or whose program never ran, keeps what stands in it.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml
from model_tables import models, recipes

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "docs" / "results"
KINDS = "paper|table|short|models|recipes|figure|answers|opening|size|rates|differences|negatives|notes|output|machine"
MARKED = re.compile(rf"(<!-- ({KINDS}): (\S.*?) -->\n).*?(<!-- end -->)", flags=re.DOTALL)
OF_THE_CODE = ("output", "paper", "short", "models", "negatives", "recipes")  # need no sweep


def commands(data: Path, jobs: int) -> list[list[str]]:
    """Every command, in order; each can be typed by hand as it stands."""
    strategies, launcher = "batching=mono,cross,hybrid", f"hydra.launcher.n_jobs={jobs}"
    squad = ["experiment=squad", f"data.path={data / 'train'}"]
    held_out = [
        "data=jsonl",
        f"data.path={data / 'train'}",
        "data.files=[squad-dev.*]",
        "eval=[heldout,xquad_r,mlqa_r]",
    ]
    xquad = f"eval.xquad_r.path={data / 'eval' / 'xquad-r'}"
    mlqa = f"eval.mlqa_r.path={data / 'eval' / 'mlqa'}"
    as_trained = ["text.query_length=32", "text.passage_length=128", "evaluation.precision=bf16"]
    runs = [f"batching-{name}_*experiment-squad" for name in ("mono", "cross", "hybrid")]
    return [
        ["run", "-m", strategies, "sweep=run", launcher],  # `make run`
        ["run", "-m", strategies, "seed=1,2,3", "sweep=builtin", launcher],
        ["run", "-m", "batching=hybrid", "batching.alpha=0.25,0.75", "seed=1,2,3", "sweep=builtin", launcher],
        ["run", "-m", strategies, "model=nano,micro,tiny,small", "seed=1,2,3", "sweep=size", launcher],
        *mixing(jobs),
        *sizes(jobs),
        *mixing_on_squad(data, jobs),
        ["run", "-m", *squad, strategies, "seed=1,2", launcher],
        ["evaluate", "backbone=minilm", *held_out, xquad, mlqa, *as_trained, "sweep=squad"],
        ["evaluate", "backbone=bm25", *held_out, xquad, mlqa, "sweep=squad"],
        *(
            ["evaluate", f"checkpoint={checkpoint}", "eval=[xquad_r,mlqa_r]", xquad, mlqa, "evaluation.precision=bf16"]
            for checkpoint in checkpoints(runs)
        ),
    ]


CHOICES = (
    ["batching=mono,cross,hybrid,curriculum"],
    ["batching=curriculum", "batching.turns=1"],  # from cross to mono and back
    ["batching=hybrid", "batching.language_exponent=1"],  # languages in proportion to size
    ["batching=hybrid", "batching.pairs=english"],
)


HALF = ("training.steps=600",)  # of the steps of `builtin`
RATES = (2.5e-5, 5e-5, 1e-4, 2e-4, 4e-4)


def mixing(jobs: int, overrides: Sequence[str] = HALF) -> list[list[str]]:
    """Ways to mix mono and cross batches on the built-in corpus, and the weights of mono and cross merged."""
    common = ["seed=1,2,3", "sweep=strategies", *overrides, f"hydra.launcher.n_jobs={jobs}"]
    return [*(["run", "-m", *choice, *common] for choice in CHOICES), *merges("strategies")]


def sizes(jobs: int, overrides: Sequence[str] = HALF) -> list[list[str]]:
    """Five sizes that differ in their width alone, five alphas (mono is 1, cross 0) and five seeds, built-in corpus."""
    choices = (["batching=mono,cross"], ["batching=hybrid", "batching.alpha=0.25,0.5,0.75"])
    common = ["model=pico,nano,micro,tiny,small", "sweep=sizes", *overrides, f"hydra.launcher.n_jobs={jobs}"]
    # Seed by seed: what is stopped early is still balanced.
    return [["run", "-m", *choice, *common, f"seed={seed}"] for seed in range(1, 6) for choice in choices]


def mixing_on_squad(data: Path, jobs: int, overrides: Sequence[str] = ()) -> list[list[str]]:
    """Ways to mix on squad-dev in eight languages, hybrid with mined hard negatives, and merges; each at the learning
    rate that was best for cross, hybrid or mono batches in short runs of equal length."""
    sweep, rows = "squad_mixing", f"data.path={data / 'train'}"
    common = [f"experiment={sweep}", rows, *overrides, f"hydra.launcher.n_jobs={jobs}"]
    searched = ["batching=hybrid", "batching.alpha=0,0.5,1", f"optim.lr={','.join(map(str, RATES))}", "seed=1"]
    search = ["run", "-m", *common, *searched, "sweep=squad_rates", "training.steps=100", "training.validate_every=50"]
    if not (found := best_rates("squad_rates")):
        return [search]
    mined = ["name=minilm", "backbone=minilm", "text.query_length=32", "text.passage_length=64"]
    hybrid = [
        ["batching=hybrid", "batching.alpha=0.25,0.5,0.75"],
        ["batching=hybrid", "training.mined=minilm", "training.hard_negatives=1"],
        ["batching=curriculum"],
        ["batching=hybrid", "batching.pairs=english"],
        ["batching=curriculum", "batching.turns=1"],  # from cross to mono and back
        ["batching=hybrid", "batching.language_exponent=1"],  # languages in proportion to size
    ]
    choices = [(["batching=mono"], 1.0), (["batching=cross"], 0.0), *((choice, 0.5) for choice in hybrid)]
    return [
        search,
        ["mine", *mined, "data=jsonl", rows, "data.files=[squad-dev.*]", "mining.margin=0.05"],
        *(["run", "-m", *common, *choice, f"optim.lr={found[alpha]}", "seed=1,2,3"] for choice, alpha in choices),
        *merges(sweep),
    ]


def searched_rates(sweep: str) -> list[tuple[float, float, float, float]]:
    """Alpha, learning rate, and MRR@10 in the two settings at the last validation, of every finished run."""
    found = []
    for file in sorted((ROOT / "multirun" / sweep).glob("*/result.json")):
        config = yaml.safe_load((file.parent / "config.yaml").read_text("utf-8"))
        rows = map(json.loads, (file.parent / "history.jsonl").read_text("utf-8").splitlines())
        last = [row for row in rows if row["split"] == "validation"][-1]
        found.append(
            (float(config["batching"]["alpha"]), float(config["optim"]["lr"]), last["mono_mrr"], last["cross_mrr"])
        )
    return sorted(found)


def best_rates(sweep: str) -> dict[float, float]:
    """The rate with the highest mean of both settings for each alpha; empty before the sweep."""
    best: dict[float, tuple[float, float]] = {}
    for alpha, rate, mono, cross in searched_rates(sweep):
        best[alpha] = max(best.get(alpha, (0.0, 0.0)), ((mono + cross) / 2, rate))
    return {alpha: rate for alpha, (_, rate) in best.items()}


def merges(sweep: str) -> list[list[str]]:
    """The finished mono and cross runs of a sweep, merged seed by seed."""
    found: dict[int, dict[str, Path]] = {}  # long names of runs are hashed, so strategy and seed are read
    for file in sorted((ROOT / "multirun" / sweep).glob("*/result.json")):
        result = json.loads(file.read_text("utf-8"))
        found.setdefault(result["seed"], {})[result["strategy"]] = file.parent.relative_to(ROOT)
    return [
        ["merge", f"mono={ends['mono']}", f"cross={ends['cross']}", "ratios=[0.25,0.5,0.75]"]
        for _, ends in sorted(found.items())
        if {"mono", "cross"} <= ends.keys()
    ]


def checkpoints(runs: list[str]) -> list[Path]:
    """The first seed of each strategy; its full run name holds a hash of the data path."""
    return [path for run in runs for path in sorted((ROOT / "multirun" / "squad").glob(f"{run}*seed-1"))]


def run(asked: Callable[[], list[list[str]]]) -> int:
    """Run what is asked for; some commands depend on the names of runs, so all are asked for again after each."""
    done = 0
    while done < len(todo := asked()):
        print("python -m hybridret." + " ".join(todo[done]), flush=True)
        module, *arguments = todo[done]
        code = subprocess.run(
            [sys.executable, "-m", f"hybridret.{module}", *arguments], cwd=ROOT, check=False
        ).returncode
        if code:
            return code
        done += 1
    return 0


def write() -> int:
    """Make the reports, then fill the marked parts."""
    # The first keeps the CSV that the second quotes.
    pages = [ROOT / "docs" / "results.md", ROOT / "README.md", ROOT / "docs" / "negatives.md"]
    marks = [mark for page in pages for mark in MARKED.finditer(page.read_text("utf-8"))]
    names = {mark[3].partition("/")[0] for mark in marks if mark[2] not in OF_THE_CODE}
    here = {name for name in names if (ROOT / "multirun" / name).is_dir()}
    for name in sorted(here):
        subprocess.run([sys.executable, "-m", "hybridret.report", f"multirun/{name}"], cwd=ROOT, check=True)
    if names - here:
        print(f"kept as they are, not below multirun/: {', '.join(sorted(names - here))}")
    for page in pages:
        text = page.read_text("utf-8")
        for mark in list(MARKED.finditer(text)):
            known = mark[3].partition("/")[0] in here or mark[2] in OF_THE_CODE
            if not (made(mark[3]) if mark[2] == "output" else known):
                continue
            text = text.replace(mark[0], mark[1] + fill(mark[2], mark[3], page) + mark[4])
        page.write_text(text, encoding="utf-8")
        print(f"wrote {page.relative_to(ROOT)}")
    return 0


def fill(kind: str, name: str, page: Path) -> str:
    """What stands in a mark."""
    sweep, _, item = name.partition("/")
    report = ROOT / "multirun" / sweep / "report"
    if kind == "machine":
        return machine(sweep)
    if kind == "paper":
        return paper(name)
    if kind == "notes":
        return notes(sweep, item)
    if kind == "answers":
        return answers(report, item)
    if kind == "opening":
        return opening(report)
    if kind == "size":
        return of_size(report, item)
    if kind == "rates":
        return rates(sweep)
    if kind == "differences":
        return differences(report, *item.split("/", 1))
    if kind == "negatives":
        return negatives(KEPT / f"{name}.csv")
    if kind == "short":
        return short(KEPT / f"{name}.csv")
    if kind == "models":
        return models()
    if kind == "recipes":
        return recipes(sweep, item)
    if kind == "output":
        return "\n" + textwrap.indent(made(name).strip(), "    ") + "\n\n"
    KEPT.mkdir(parents=True, exist_ok=True)
    if kind == "table":
        shutil.copy(report / "tables" / f"{item}.csv", KEPT / f"{sweep}_{item}.csv")
        return "\n" + (report / "tables" / f"{item}.md").read_text("utf-8").strip() + "\n\n"
    target = KEPT / f"{sweep}_{item}.png"
    shutil.copy(report / "figures" / f"{item}.png", target)
    return f"\n![{sweep}: {item.replace('_', ' ')}]({target.relative_to(page.parent).as_posix()})\n\n"


def short(table: Path) -> str:
    """The strategy, one metric of each setting, and the bias."""
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    lines = [
        "| strategy | monolingual | cross-lingual | multilingual | rank distance |",
        "| :-- | --: | --: | --: | --: |",
    ]
    for row in rows:
        values = [f"{float(row[f'{setting}. mAP']):.3f}".removeprefix("0") for setting in ("Mo", "Cr", "Mul")]
        cells = [row["configuration"], *values, f"{float(row['Bias rank distance']):,.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n" + "\n".join(lines) + "\n\n"


def negatives(table: Path) -> str:
    """How many mined passages each set of rules keeps, and the shares of both kinds of false ones."""
    lines = [
        "| retriever | queries | rules | kept for a question | the answer's paragraph | contains the answer |",
        "| :-- | :-- | :-- | --: | --: | --: |",
    ]
    for row in csv.DictReader(table.open(encoding="utf-8")):
        kept, paragraph, answer = (int(row[name]) for name in ("kept", "paragraph", "answer"))
        cells = [row["retriever"], row["queries"], row["rules"], f"{kept / int(row['questions']):.1f}"]
        lines.append(f"| {' | '.join([*cells, f'{paragraph / kept:.2%}', f'{answer / kept:.2%}'])} |")
    return "\n" + "\n".join(lines) + "\n\n"


def made(name: str) -> str:
    """What a program of benchmarks/ printed when `speed` ran it last; empty if it never did."""
    path = KEPT / f"speed_{name}.txt"
    return path.read_text("utf-8") if path.is_file() else ""


def notes(sweep: str, dataset: str) -> str:
    """A list of what the first finished run's result.json notes of a test set."""
    for path in sorted((ROOT / "multirun" / sweep).glob("*/**/result.json")):
        found = json.loads(path.read_text("utf-8"))["notes"].get(dataset)
        if found:
            return "\n" + "".join(f"- {key}: {text}\n" for key, text in found.items()) + "\n"
    raise SystemExit(f"no run of {sweep} notes anything of {dataset}")


def programs() -> list[str]:
    """Every program of benchmarks/, by name; `compare` is what they share."""
    return sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem != "compare")


def speed(data: Path, only: list[str]) -> int:
    """Run benchmarks and keep what they print. One at a time, and nothing else on the machine."""
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in only:
        program = ROOT / "benchmarks" / f"{name}.py"
        takes_data = "--data" in program.read_text("utf-8")
        options = ["--data", str(data / "eval" / "xquad-r")] if takes_data else []
        options += ["--csv", str(KEPT / f"{name}.csv")] if "--csv" in program.read_text("utf-8") else []
        print(f"python benchmarks/{program.name} {' '.join(options)}", flush=True)
        done = subprocess.run([sys.executable, str(program), *options], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            return done.returncode
        (KEPT / f"speed_{name}.txt").write_text(done.stdout, encoding="utf-8")
    return 0


def answers(report: Path, name: str) -> str:
    """The sentences of an answer as a list."""
    rows = csv.DictReader((report / "analysis" / "findings.csv").open(encoding="utf-8"))
    return "\n" + "".join(f"- {row['text']}\n" for row in rows if row["answer"] == name) + "\n"


def of_size(report: Path, dataset: str) -> str:
    """The sentences on how the best alpha, and hybrid at alpha .5, move with size: mAP and contrastive entropy."""
    rows = csv.DictReader((report / "analysis" / "findings.csv").open(encoding="utf-8"))
    starts = (
        f"mAP of {dataset}: the best alpha",
        f"On {dataset} contrastive entropy of hybrid α=0.5 ",
        "The lead of hybrid α=0.5 over the better of mono and cross in mAP on " + dataset + " ",
        f"Across languages on {dataset} hybrid α=0.5 gains from size in contrastive entropy",
    )
    return "\n" + "".join(f"- {row['text']}\n" for row in rows if row["text"].startswith(starts)) + "\n"


def opening(report: Path) -> str:
    """The most important sentences of all answers, as on the page."""
    from hybridret.reporting.opening import opening as chosen

    rows = list(csv.DictReader((report / "analysis" / "findings.csv").open(encoding="utf-8")))
    best = chosen([row["answer"] for row in rows], [float(row["importance"]) for row in rows])
    return "\n" + "".join(f"- {rows[i]['text']}\n" for i in best) + "\n"


def paper(name: str) -> str:
    """What an answer finds in the paper's own numbers, as a list."""
    from hybridret.reporting.answers.registry import find_answers
    from hybridret.reporting.paper_evidence import PaperEvidence

    found = find_answers(PaperEvidence(), [name]).values()
    return "\n" + "".join(f"- {one.text}\n" for findings in found for one in findings.sentences) + "\n"


def differences(report: Path, dataset: str, configuration: str) -> str:
    """mAP of `configuration` minus that of each other one in the three settings, with intervals and p."""
    rows = csv.DictReader((report / "analysis" / "significance_comparisons.csv").open(encoding="utf-8"))
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if (row["dataset"], row["metric"]) != (dataset, "map") or configuration not in (row["a"], row["b"]):
            continue
        sign = 1 if row["a"] == configuration else -1
        value, *ends = (sign * float(row[key]) for key in ("difference", "low", "high"))
        low, high = sorted(ends)
        other = row["b"] if sign > 0 else row["a"]
        p = float(row["p_bh"])
        chance = "p < .001" if p < 0.001 else f"p = {f'{p:.3f}'.removeprefix('0')}"
        found.setdefault(other, {})[row["setting"]] = f"{signed(value)} [{signed(low)}, {signed(high)}], {chance}"
    settings = ("monolingual", "cross-lingual", "multilingual")
    lines = [f"| {configuration} − | Mo. mAP | Cr. mAP | Mul. mAP |", "| :-- | --: | --: | --: |"]
    lines += [f"| {other} | {' | '.join(own.get(one, '') for one in settings)} |" for other, own in found.items()]
    return "\n" + "\n".join(lines) + "\n\n"


def rates(sweep: str) -> str:
    """A row for each rate, with Mo. and Cr. MRR@10 of each alpha on the validation questions; kept as CSV."""
    found, best = searched_rates(sweep), best_rates(sweep)
    with (KEPT / f"{sweep}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [("alpha", "learning_rate", "mono_mrr_10", "cross_mrr_10"), *found]
        )
    lines = ["| learning rate | " + " | ".join(f"α={alpha:g}: Mo. / Cr. MRR@10" for alpha in sorted(best)) + " |"]
    lines.append("| --: |" + " --: |" * len(best))
    for rate in sorted({one[1] for one in found}):
        cells = []
        for alpha in sorted(best):
            mono, cross = next(one[2:] for one in found if one[:2] == (alpha, rate))
            cell = f"{short_value(mono)} / {short_value(cross)}"
            cells.append(f"**{cell}**" if best[alpha] == rate else cell)
        lines.append(f"| {rate:g} | {' | '.join(cells)} |")
    return "\n" + "\n".join(lines) + "\n\n"


def short_value(value: float) -> str:
    """`.446`."""
    return f"{value:.3f}".removeprefix("0")


def signed(value: float) -> str:
    """`+.055`, `-.020`."""
    return f"{value:+.3f}".replace("0.", ".", 1)


def machine(sweep: str) -> str:
    """One line from the environment.json of the sweep's first run."""
    path = sorted((ROOT / "multirun" / sweep).glob("*/environment.json"))[0]
    found = json.loads(path.read_text("utf-8"))
    packages = ", ".join(f"{name} {found['packages'][name]}" for name in ("torch", "pytorch-lightning", "transformers"))
    commit = (found.get("git") or {}).get("commit", "")[:10]
    hardware = f"{found['cpu']}, {found['cores']} cores"
    return f"\nMeasured on {hardware}, Python {found['python']}, {packages}, commit {commit}.\n\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("run", "strategies", "sizes", "squad_mixing", "speed", "write"))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--override", nargs="+", default=[], help="of every run of strategies")
    parser.add_argument("--only", nargs="+", choices=programs(), default=programs(), help="of `speed`")
    options = parser.parse_args()
    if options.action == "run":
        return run(lambda: commands(options.data, options.jobs))
    if options.action == "strategies":
        return run(lambda: mixing(options.jobs, options.override or HALF))
    if options.action == "sizes":
        return run(lambda: sizes(options.jobs, options.override or HALF))
    if options.action == "squad_mixing":
        return run(lambda: mixing_on_squad(options.data, options.jobs, options.override))
    return speed(options.data, options.only) if options.action == "speed" else write()


if __name__ == "__main__":
    sys.exit(main())
