# shellcheck shell=bash
# What run.sh and run_arm64.sh share; sourced by bash with `set -euo pipefail`. Gives $source_dir and
# $work, a folder that is removed in the end.

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache_dir=$source_dir/build/kernel-cache
success_marker="kernel tests: passed"
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$source_dir/tests/fetch.sh"

skip() {
  echo "SKIPPED: real-kernel tests: $*"
  exit 77
}

need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null ||
      skip "$program is not installed (experiments/setup.sh --tests does it)"
  done
}

# fetch_guest ARCH: Debian's newest kernel of an architecture with its drivers and a static busybox,
# once, to $guest_dir.
fetch_guest() {
  guest_dir=$cache_dir/$1
  fetch_once "$guest_dir" "a kernel of $1" fetch_kernel "$1"
}

fetch_kernel() {
  local arch=$1 kernel package
  rm -rf fetch drivers
  mkdir fetch
  cd fetch
  apt_of "$arch" apt-get update
  kernel=$(apt_of "$arch" apt-cache depends "linux-image-$arch" |
    sed -n 's/^ *Depends: \(linux-image-.*\)$/\1/p' | head -n 1)
  apt_of "$arch" apt-get download "${kernel:?}" busybox-static
  for package in ./*.deb; do
    dpkg -x "$package" unpacked
  done
  cp unpacked/boot/vmlinuz-* ../vmlinuz
  cp "$(find unpacked -path '*bin/busybox')" ../busybox
  cp -r unpacked/lib/modules/*/kernel/drivers ../drivers
  cd ..
  rm -rf fetch
}

# new_root INIT: begins the guest's root file system in $root.
new_root() {
  root=$work/root
  mkdir -p "$root"/{bin,dev,mods,proc,sys,tmp,var/lib}
  cp "$guest_dir/busybox" "$root/bin/busybox"
  install -m 755 "$1" "$root/init"
}

# add_modules NAME...: kernel modules with those that they depend on, to /mods, where the file
# `order` lists them in the order of loading.
add_modules() {
  local name file needed
  for name in "$@"; do
    name=${name//-/_}
    [ ! -e "$root/mods/$name.ko" ] || continue
    file=$(find "$guest_dir/drivers" -name "${name//_/[-_]}.ko")
    [ -n "$file" ] || { echo "the kernel has no module $name" >&2; return 1; }
    needed=$(tr '\0' '\n' <"$file" | sed -n 's/^depends=//p' | tr ',' ' ')
    # shellcheck disable=SC2086
    add_modules $needed
    cp "$file" "$root/mods/$name.ko"
    echo "$name" >>"$root/mods/order"
  done
}

# boot SECONDS QEMU OPTION...: shows what the guest says; fails if that is not that its tests passed.
# Tests that were all filtered out have not passed. Under software emulation a guest hangs for good
# now and then while a CPU goes offline or comes back: one that says nothing more, and of whose tests
# none has failed, is booted once more.
boot() {
  local seconds=$1 attempt status
  shift
  (cd "$root" && find . | cpio --create --format=newc --quiet | gzip -1) >"$work/initrd"
  for attempt in first second; do
    status=0
    timeout --kill-after=5 "$seconds" "$@" -m 512 -kernel "$guest_dir/vmlinuz" \
      -initrd "$work/initrd" -display none -vga none -nic none -monitor none -serial stdio \
      -no-reboot </dev/null 2>&1 | sed -u 's/\r//g' | tee "$work/console" || status=${PIPESTATUS[0]}
    [ "$status" -eq 124 ] && ! grep -q "ERROR\|FAILURE" "$work/console" || break
    echo "The guest did not end within $seconds s, at its $attempt attempt" >&2
  done
  [ "$status" -eq 0 ] && grep -qx "$success_marker" "$work/console" &&
    ! grep -q "test cases: *0 |" "$work/console"
}
