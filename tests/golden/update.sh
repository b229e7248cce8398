#!/usr/bin/env bash
# Writes the golden traces anew. Look at what `git diff tests/golden` shows before you commit it.
set -euo pipefail
cd "$(dirname "$0")/../.."
REIN_UPDATE_GOLDEN=1 "${1:-build/release}/tests/test_agent" --test-case="*golden*"
