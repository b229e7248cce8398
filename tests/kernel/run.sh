#!/usr/bin/env bash
# Tests of sensors and actuators on the kernel's own drivers, in an x86-64 guest of QEMU without
# KVM: frequencies of acpi-cpufreq, a hwmon power sensor, hot-plug. Skipped (77) where there is no
# QEMU or kernel to be had.
#
#   tests/kernel/run.sh [BUILD_DIR]    the build folder, which has kernel_guest (build/release)
set -euo pipefail
build_dir=$(realpath "${1:-$(dirname "$0")/../../build/release}")
. "$(dirname "$0")/lib.sh"
[ "$(uname -m)" = x86_64 ] || skip "this machine's programs do not run on x86-64"
need qemu-system-x86_64 iasl cpio apt-get dpkg flock
fetch_guest amd64

new_root "$source_dir/tests/kernel/guest_init"
add_modules acpi-cpufreq cpufreq_powersave cpufreq_ondemand cpufreq_userspace i2c-dev i2c-stub ltc4215
program=$build_dir/tests/kernel/kernel_guest
cp "$program" "$root/bin"
ldd "$program" | grep -o '/[^ ]*' | sort -u | while read -r library; do
  install -D "$library" "$root$library"
done

# boot_with WORDS IASL_OPTION...: boots with WORDS on the kernel's command line. One thread emulates
# both CPUs: with one for each, QEMU 7.2 sometimes runs forever what the kernel has patched in its own
# code on the other CPU, as it does when bandwidth limits come and go.
boot_with() {
  local words=$1
  shift
  iasl "$@" -p "$work/ssdt" "$source_dir/tests/kernel/ssdt.asl" >"$work/iasl.log" ||
    { cat "$work/iasl.log" >&2; return 1; }
  boot 240 qemu-system-x86_64 -M q35 -accel tcg,thread=single -cpu Nehalem -smp 2 -device pc-testdev \
    -acpitable "file=$work/ssdt.aml" -append "console=ttyS0 quiet panic=1 rein.guest $words"
}
status=0
echo "== both CPUs share a clock"
boot_with skip=apart || status=1
echo "== each CPU has a clock of its own"
boot_with skip=shared -D APART || status=1
exit $status
