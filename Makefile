# demo and test need nothing but Python 3.11 or newer with venv and pip.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo train test stress lint table docs proto bench fuzz clean

# The stamp is remade when the requirements change, so that an old .venv is brought up to date.
.venv/installed: setup.py constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint]'
	touch $@

demo: .venv/installed
	$(BIN)/python examples/demo.py

# Trains a net from nothing, in a few minutes.
train: .venv/installed
	$(BIN)/python examples/train.py

# A process for each core, up to four, with a thread each.
test: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4

stress: .venv/installed
	$(BIN)/python -m pytest -m stress

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

table: .venv/installed
	$(BIN)/python -m tests.layers.table
	$(BIN)/python -m tests.export.table
	$(BIN)/python -m tests.export.targets.table

docs: .venv/installed
	$(BIN)/python -m tests.docs.commands

proto: .venv/installed
	$(BIN)/python -m grpc_tools.protoc -Iproto --descriptor_set_out=proto/caffe.desc caffe.proto
	$(BIN)/python -m grpc_tools.protoc -Iproto --descriptor_set_out=proto/forks.desc forks.proto
	$(BIN)/python -m tests.caffe.stub

bench: .venv/installed
	$(BIN)/python benchmarks/fcn8s.py
	$(BIN)/python benchmarks/large.py
	$(BIN)/python benchmarks/training.py

# Each target for SECONDS under atheris, from the golden files on.
SECONDS ?= 60
fuzz: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]'
	for target in $$($(BIN)/python -m tests.fuzz.targets); do \
		$(BIN)/python -m tests.fuzz.targets $$target -max_total_time=$(SECONDS) -rss_limit_mb=4096 -timeout=10 || exit 1; \
	done

clean:
	rm -rf .venv demo trained build dist *.egg-info
