#!/usr/bin/env bash
# The engine of arm boards, cross-compiled for arm64 with Debian's XNNPACK: what it answers, under
# QEMU's user emulation, on a CPU with dot products of int8 and on one without. Not how fast it is.
# Skipped (77) where there is no QEMU, cross compiler or library to be had.
#
#   tests/arm_engine_test.sh
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C

skip() {
  echo "SKIPPED: the engine on arm64: $*"
  exit 77
}
. tests/fetch.sh

for program in qemu-aarch64 aarch64-linux-gnu-g++ apt-get dpkg flock; do
  command -v "$program" >/dev/null ||
    skip "$program is not installed (experiments/setup.sh --tests does it)"
done
for library in doctest fmt; do
  [ -d "/usr/include/$library" ] || skip "the headers of $library are not installed"
done

fetch_libraries() {
  rm -rf fetch root
  mkdir fetch
  cd fetch
  apt_of arm64 apt-get update
  apt_of arm64 apt-get download libxnnpack0 libxnnpack-dev libpthreadpool0 libpthreadpool-dev \
    libcpuinfo0 zlib1g zlib1g-dev
  for package in ./*.deb; do
    dpkg -x "$package" ../root
  done
  cd ..
  rm -rf fetch
}
cache=$PWD/build/arm64-cache
fetch_once "$cache" "XNNPACK for arm64" fetch_libraries
libraries=$cache/root/usr/lib/aarch64-linux-gnu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{include,objects,bin,lib/rein}
for library in doctest fmt; do  # Headers that are the same on any machine, and no others beside them.
  ln -s "/usr/include/$library" "$work/include/$library"
done
compile=(
  aarch64-linux-gnu-g++ -std=c++20 -O1 -fPIC -Wall -Wextra -Wno-missing-field-initializers -I. -Itests
  -isystem "$work/include" -isystem "$cache/root/usr/include" -DFMT_HEADER_ONLY
  -DDOCTEST_CONFIG_NO_SHORT_MACRO_NAMES '-DREIN_VERSION="arm64"'
)
link=(-L "$libraries" "-Wl,-rpath-link,$libraries" -Wl,--as-needed -pthread)
(
  "${compile[@]}" -o "$work/objects/shared.o" -r -nostdlib \
    models/{cpu_shares,folded_network,module,precision,slimmable_checkpoint}.cpp \
    common/{files,folder,random}.cpp
  "${compile[@]}" -shared -o "$work/lib/rein/rein-xnnpack.so" models/xnnpack/*.cpp \
    "$work/objects/shared.o" "${link[@]}" -lXNNPACK -lz
) &
"${compile[@]}" -o "$work/objects/test.o" -r -nostdlib \
  tests/models/back_end_test.cpp tests/support/doctest_main.cpp
wait $!
"${compile[@]}" -o "$work/bin/back_end_test" "$work"/objects/*.o "${link[@]}" -lz

# on CPU: the other engines are not there; this one must be.
on() {
  local said=$work/$1 status=0
  qemu-aarch64 -cpu "$1" -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$libraries" \
    "$work/bin/back_end_test" >"$said" 2>&1 || status=1
  if [ $status -ne 0 ] || grep -q "SKIPPED: xnnpack" "$said"; then
    cat "$said"
    return 1
  fi
  echo "$1: $(grep "assertions:" "$said")"
}
on cortex-a72 &  # Without dot products of int8.
on max
wait $!
