#!/usr/bin/env bash
# Tests of hardware counters on the emulated PMU of an arm64 guest, by the kernel's own driver.
# Skipped (77) where there is no QEMU, cross compiler or kernel to be had.
#
#   tests/kernel/run_arm64.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"
need qemu-system-aarch64 aarch64-linux-gnu-g++ cpio apt-get dpkg flock
fetch_guest arm64

# Headers of this machine that are the same on any, and no others beside them.
mkdir "$work/include"
for library in doctest fmt; do
  [ -d "/usr/include/$library" ] || skip "the headers of $library are not installed"
  ln -s "/usr/include/$library" "$work/include/$library"
done
new_root "$source_dir/tests/kernel/guest_arm64_init"
(
  cd "$source_dir"
  aarch64-linux-gnu-g++ -std=c++20 -O2 -static -Wall -Wextra -I. -Itests -isystem "$work/include" \
    -DFMT_HEADER_ONLY -DDOCTEST_CONFIG_NO_SHORT_MACRO_NAMES -o "$root/bin/pmu_test" \
    tests/kernel/pmu_test.cpp tests/support/doctest_main.cpp \
    common/pattern.cpp platform/quantities.cpp platform/sensors/{counter_group,sensor}.cpp \
    platform/kernel/*.cpp
)

status=0
machine=(qemu-system-aarch64 -M virt -cpu cortex-a57 -smp 1)
echo "== a PMU that counts instructions and cycles"
boot 60 "${machine[@]}" -icount shift=0 -append "console=ttyAMA0 quiet panic=1 suite=all_counters" || status=1
echo "== a PMU that counts cycles only"
boot 60 "${machine[@]}" -append "console=ttyAMA0 quiet panic=1 suite=only_cycles" || status=1
exit $status
