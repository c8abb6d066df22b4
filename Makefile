# InCamera: the commands people use. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := build/incamera
export CGO_ENABLED ?= 0

.PHONY: help setup-run setup-test web build run test check unit e2e drills nettest bench fuzz generate image clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

setup-run: ## fetch what building needs (npm packages)
	@scripts/setup run

setup-test: ## fetch what the tests need too (browsers, redis, PostgreSQL, Prometheus from Debian)
	@scripts/setup test

web: setup-run ## bundle the page and the SDK into web/dist
	@go run ./web/build

build: web ## build the binary into build/incamera
	@go build -trimpath -ldflags "-s -w" -o $(BIN) ./cmd/incamera
	@echo "built $(BIN)"

run: build ## build and start InCamera on this machine; prints the address to open
	@exec $(BIN) serve

test: setup-test build check unit e2e ## everything: checks, unit tests, browsers

check: setup-test ## formatting, vet, types, generated code, house rules
	@scripts/check

unit: setup-test web ## Go and TypeScript tests without browsers
	@go test -timeout 10m ./...
	@cd web && npm test --workspaces --if-present
	@node --test scripts/nettest/lib/*.test.mjs

e2e: setup-test build ## people meet, in real Chromium and Firefox
	@cd web && npm run e2e
	@scripts/doccheck

drills: setup-test ## no timing oracle: what must not be told apart is sampled in turns and compared by rank
	@go test -tags drills -count=1 -v -timeout 20m -run '^TestTiming' ./auth/...

nettest: setup-test build ## meetings on bad networks beside their aims (root; ARGS="--only step --runs 3")
	@scripts/nettest/run $(ARGS)

bench: ## what the media node costs, beside a stock forwarder and the floor (ARGS="join memory --json")
	@scripts/bench/run $(ARGS)

fuzz: ## every fuzz target, FUZZTIME each (default 20s)
	@scripts/fuzz

generate: setup-test ## write the generated code of the schemas again
	@scripts/generate

image: build ## a static, non-root image from scratch (needs buildah or docker)
	@scripts/image

clean: ## remove what was built; data/ stays
	@rm -rf build web/node_modules; find web/dist -mindepth 1 ! -name .keep -delete 2>/dev/null || true
