# Everything runs in .venv, made on first use; it is brought up to date when the pins change.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.set-up
BASE := .venv/.base

.PHONY: help setup demo demo-train test fuzz lint
.DEFAULT_GOAL := help

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## Make .venv with all that training, tests and checks need

# what predicts needs no torch
$(BASE): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -e . -c constraints.txt
	touch $(BASE)

# torch goes first, on its own: where a CPU build of it is installed already, it stays
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet torch==2.13.0 -c constraints.txt
	$(BIN)/python -m pip install --quiet -e '.[train,simulate,live,openvino,cluster,dev]' -c constraints.txt
	touch $(STAMP)

demo: $(BASE)  ## Joints and posture over a small simulated night, and demo/report.html, within a minute
	$(BIN)/matpose demo -o demo

demo-train: setup  ## Train briefly, test on somebody new and write demo-train/report.html, in a few minutes
	$(BIN)/matpose demo --train -o demo-train

test: setup  ## Run the tests, on two cores
	$(BIN)/python -m pytest -n 2 --dist loadfile

fuzz: setup  ## Fuzz every reader for a minute each (64-bit Linux)
	$(BIN)/python -m pytest -m slow -rP tests/fuzz

lint: setup  ## Check format, style and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/pyright
