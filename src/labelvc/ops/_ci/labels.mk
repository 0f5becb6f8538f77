# Judges a branch on any machine: make -f .ci/labels.mk BASE=origin/main HEAD=HEAD
# Looks at all that is there, once a day: make -f .ci/labels.mk labels-daily
# Written by `labelvc init --ci make`; or say `include .ci/labels.mk` in a Makefile of your own.
BASE ?= origin/main
HEAD ?= HEAD
OUT ?= labelvc-out
labels: export LABELS_BASE = $(value BASE)
labels: export LABELS_HEAD = $(value HEAD)
labels: export LABELS_OUT = $(value OUT)

.PHONY: labels labels-daily
labels:
	labelvc ci --base "$$LABELS_BASE" --head "$$LABELS_HEAD" -o "$$LABELS_OUT"

labels-daily:
	code=0; labelvc check --all || code=$$?; labelvc verify --all || exit $$?; exit $$code
