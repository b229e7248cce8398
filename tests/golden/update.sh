#!/usr/bin/env bash
# Writes the golden traces and probes, and the table of docs/trace.md, anew. Look at what
# `git diff tests/golden docs` shows before you commit it.
set -euo pipefail
cd "$(dirname "$0")/../.."
for tests in test_agent test_platform; do
  REIN_UPDATE_GOLDEN=1 "${1:-build/release}/tests/$tests" --test-case="*golden*"
done
REIN_UPDATE_GOLDEN=1 "${1:-build/release}/tests/test_env" --test-case="the table of docs/trace.md*"
