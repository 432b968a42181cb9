# Two commands do everything: `make run` and `make test`. Both first make .venv and install what
# is missing there. In a shell where ROS 2 is sourced they use it; elsewhere they use standalone/.

PYTHON ?= python3
VENV := .venv
OUT ?= out
# Real frames if they are there (CamVid in SegNet's layout), else the synthetic street.
CAMVID ?= ../shared/data/camvid
METHOD ?= fassvid

BIN := $(abspath $(VENV))/bin
STAMPS := $(VENV)/.stamps

ifdef ROS_DISTRO
# ROS 2's own rclpy, numpy and OpenCV stay the ones in use.
VENV_FLAGS := --system-site-packages
REQUIREMENTS := requirements/runtime.txt
CONSTRAINTS := -c $(STAMPS)/constraints.txt
# What is true of every rclpy; the rest is about our own.
STANDALONE_TESTS := standalone/test/conformance
else
VENV_FLAGS :=
REQUIREMENTS := requirements/runtime.txt requirements/standalone.txt
CONSTRAINTS :=
STANDALONE_TESTS := standalone/test
endif

# The package's share/ lies in .venv as in any install prefix; ROS 2 finds it by this. The nodes run
# in .venv's Python; launch files run in ROS 2's own and find the package by PYTHONPATH.
RUN_ENV = PATH="$(BIN):$$PATH" AMENT_PREFIX_PATH="$(abspath $(VENV))$${AMENT_PREFIX_PATH:+:$$AMENT_PREFIX_PATH}"
ifdef ROS_DISTRO
RUN_ENV += PYTHONPATH="$(CURDIR)$${PYTHONPATH:+:$$PYTHONPATH}"
endif

INDEX := $(VENV)/share/ament_index/resource_index/packages
SHARED := package.xml $(wildcard launch/*.py config/*.yaml config/training/*.yaml config/dds/* rviz/*.rviz benchmarks/*.py)

.PHONY: help install run benchmark test lint typecheck unit clean

help:
	@echo 'make run      install, make a bag, launch the nodes, replay, evaluate, report'
	@echo 'make test     install, lint, check types and layers, run all tests'
	@echo 'make benchmark  measure (15 minutes), and write docs/benchmarks.md; ROS2_SETUP=FILE: a ROS 2 beside it'
	@echo 'make install  only install into $(VENV)'
	@echo 'make clean    remove $(VENV) and $(OUT)'

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'vidseg_ros needs Python 3.11 or later; name one: make PYTHON=python3.11 ...'; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo 'Python cannot make virtual environments; on Debian: apt install python3-venv'; exit 1; }
	@echo '== making $(VENV)'
	$(PYTHON) -m venv $(VENV_FLAGS) $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: $(STAMPS)/venv $(REQUIREMENTS) $(if $(ROS_DISTRO),,standalone/pyproject.toml)
	@echo '== installing what the package needs (about 500 MB the first time)'
ifdef ROS_DISTRO
	@# The messages of ROS 2 are compiled against its numpy.
	@$(PYTHON) -c 'import numpy; print("numpy==" + numpy.__version__)' > $(STAMPS)/constraints.txt
	@$(BIN)/python -c 'import cv2' 2>/dev/null || \
		$(BIN)/python -m pip install --disable-pip-version-check $(CONSTRAINTS) 'opencv-python-headless>=4.8,<5'
endif
	$(BIN)/python -m pip install --disable-pip-version-check $(CONSTRAINTS) $(addprefix -r ,$(REQUIREMENTS))
	@touch $@

# Installed so that the code, launch files and settings in use are those of this folder, as
# `colcon build --symlink-install` does: executables in lib/<package>, share/<package>, the index.
# File by file, because `ros2 launch` does not look into folders that are links.
$(STAMPS)/package: $(STAMPS)/runtime Makefile setup.py setup.cfg $(SHARED)
	@echo '== installing vidseg_ros'
	@$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps -e .
	@rm -rf $(VENV)/share/vidseg_ros
	@mkdir -p $(VENV)/lib/vidseg_ros $(INDEX)
	@for node in segmentation_node evaluation_node vidseg; do \
		ln -sf ../../bin/$$node $(VENV)/lib/vidseg_ros/$$node; done
	@for file in $(SHARED); do \
		mkdir -p $(VENV)/share/vidseg_ros/$$(dirname $$file); \
		ln -s "$(CURDIR)/$$file" $(VENV)/share/vidseg_ros/$$file; done
	@touch $(INDEX)/vidseg_ros $@

$(STAMPS)/dev: $(STAMPS)/runtime requirements/dev.txt
	@echo '== installing what the tests need'
	$(BIN)/python -m pip install --disable-pip-version-check $(CONSTRAINTS) -r requirements/dev.txt
	@touch $@

install: $(STAMPS)/package

run: install
	@$(RUN_ENV) OUT="$(OUT)" CAMVID="$(CAMVID)" METHOD="$(METHOD)" sh tools/run.sh

benchmark: install
	@$(RUN_ENV) sh tools/benchmark.sh "$(OUT)/benchmarks" $(ROS2_SETUP)

lint: install $(STAMPS)/dev
	@echo '== ruff'
	@$(BIN)/ruff check .
	@echo '== layers'
	@$(RUN_ENV) $(BIN)/lint-imports

typecheck: install $(STAMPS)/dev
	@echo '== mypy'
	@$(BIN)/mypy

unit: install $(STAMPS)/dev
	@echo '== pytest'
	@$(RUN_ENV) $(BIN)/python -m pytest $(PYTEST_ARGS) test
	@echo '== pytest standalone'
	@$(RUN_ENV) $(BIN)/python -m pytest $(PYTEST_ARGS) $(STANDALONE_TESTS)

test: lint typecheck unit

clean:
	rm -rf $(VENV) $(OUT)
