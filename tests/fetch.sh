# shellcheck shell=bash
# Files that tests fetch once; sourced by bash scripts that have skip(), which says why they end.

# fetch_once FOLDER WHAT COMMAND...: runs COMMAND once, in a folder that is kept. What the command says
# goes to the folder's fetch.log.
fetch_once() {
  local folder=$1 what=$2 status=0
  shift 2
  mkdir -p "$folder"
  exec 9>"$folder/lock"  # The tests of another build may be at it.
  flock 9
  if [ ! -e "$folder/complete" ]; then
    # Not in a condition, where `set -e` would not hold.
    set +e
    (set -e && cd "$folder" && "$@") >"$folder/fetch.log" 2>&1
    status=$?
    set -e
    [ $status -eq 0 ] || skip "$what could not be had: $(head -n 1 "$folder/fetch.log")"
    touch "$folder/complete"
  fi
  exec 9>&-
}

# apt_of ARCH COMMAND...: apt-get or apt-cache for an architecture. Lists and packages go to the current
# folder: nothing is installed, and what apt knows of this machine stays as it is.
apt_of() {
  local arch=$1 command=$2
  shift 2
  mkdir -p {lists,archives}/partial
  "$command" -qq -o "APT::Architecture=$arch" -o "APT::Architectures=$arch" \
    -o Dir::State::status=/dev/null -o "Dir::State::lists=$PWD/lists" -o "Dir::Cache=$PWD" \
    -o APT::Sandbox::User= -o APT::Update::Error-Mode=any -o Acquire::Languages=none "$@"
}
