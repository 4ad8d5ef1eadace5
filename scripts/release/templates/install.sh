#!/bin/sh
# Installs the mqttd executable for this machine, after it has checked its checksum.
set -eu

VERSION='@VERSION@'
BASE_URL='@BASE_URL@'
DIR=''

usage() {
  cat <<END
Usage: sh install.sh [--dir DIR] [--version V] [--base-url URL]

Installs mqttd for this machine: Linux or macOS, x64 or arm64, glibc or musl.

  --dir DIR        where the executable goes (\$HOME/.local/bin; for root /usr/local/bin)
  --version V      which version ($VERSION)
  --base-url URL   where the releases are; file:///DIR is a folder of this machine
                   ($BASE_URL)

To remove it, delete the file. Exit codes: 0 installed, 1 not installed, 2 wrong usage.
END
}

say() { printf '%s\n' "$*"; }

fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

misused() {
  printf 'install.sh: %s (--help)\n' "$*" >&2
  exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

read_arguments() {
  while [ $# -gt 0 ]; do
    flag=$1
    case $flag in
      -h | --help)
        usage
        exit 0
        ;;
      --dir=* | --version=* | --base-url=*)
        value=${flag#*=}
        flag=${flag%%=*}
        ;;
      --dir | --version | --base-url)
        [ $# -gt 1 ] || misused "$flag needs a value"
        value=$2
        shift
        ;;
      *) misused "unknown argument $flag" ;;
    esac
    [ -n "$value" ] || misused "$flag needs a value"
    case $flag in
      --dir)
        case $value in
          /*) DIR=$value ;;
          *) DIR=$PWD/$value ;;
        esac
        ;;
      --version) VERSION=${value#v} ;;
      --base-url) BASE_URL=${value%/} ;;
    esac
    shift
  done
  if [ -z "$DIR" ]; then
    if [ "$(id -u)" = 0 ]; then
      DIR=/usr/local/bin
    else
      [ -n "${HOME:-}" ] || misused 'HOME is not set: name a folder with --dir'
      DIR=$HOME/.local/bin
    fi
  fi
}

# Sets TARGET, such as linux-arm64-musl.
find_target() {
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) cpu=x64 ;;
    aarch64 | arm64) cpu=arm64 ;;
    *) fail "there is no executable for a $machine processor, only for x86-64 and arm64" ;;
  esac
  system=$(uname -s)
  case $system in
    Linux) system=linux ;;
    Darwin) system=darwin ;;
    *) fail "there is no executable for $system that this script installs (Windows: Scoop, or the zip)" ;;
  esac
  # Rosetta says x86_64 on an arm64 Mac.
  if [ $system = darwin ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" = 1 ]; then
    cpu=arm64
  fi
  # An arm64 kernel may have only 32-bit programs, as on a Raspberry Pi.
  if [ $system = linux ] && [ "$(getconf LONG_BIT 2>/dev/null || true)" = 32 ]; then
    fail "this system has 32-bit programs, and there is no executable for them"
  fi
  TARGET=$system-$cpu
  if [ $system = linux ] && is_musl "$machine"; then
    TARGET=$TARGET-musl
    if ! [ -e /usr/lib/libstdc++.so.6 ] && ! [ -e /lib/libstdc++.so.6 ]; then
      say 'note: mqttd needs libstdc++ here (apk add libstdc++)'
    fi
  fi
}

# Whether the loader of musl is here, and that of glibc is not.
is_musl() {
  [ -e "/lib/ld-musl-$1.so.1" ] || return 1
  for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
    [ ! -e "$loader" ] || return 1
  done
}

# fetch URL FILE
fetch() {
  case $1 in
    file://*)
      [ -r "${1#file://}" ] || fail "${1#file://} can't be read"
      cp "${1#file://}" "$2"
      ;;
    *)
      if has curl; then
        curl -fsSL --retry 2 -o "$2" "$1" || fail "can't download $1"
      elif has wget; then
        wget -q -O "$2" "$1" || fail "can't download $1"
      else
        fail "curl or wget is needed to download $1"
      fi
      ;;
  esac
}

# Prints the SHA-256 of a file.
checksum() {
  if has sha256sum; then
    sha256sum "$1" | cut -d ' ' -f 1
  elif has shasum; then
    shasum -a 256 "$1" | cut -d ' ' -f 1
  elif has openssl; then
    openssl dgst -sha256 "$1" | sed 's/.*= *//'
  else
    fail 'sha256sum, shasum or openssl is needed to check the download'
  fi
}

main() {
  read_arguments "$@"
  find_target
  name=mqttd-$VERSION-$TARGET
  from=$BASE_URL/v$VERSION
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  fetch "$from/SHA256SUMS" "$folder/SHA256SUMS"
  wanted=$(awk -v file="$name.tar.gz" '$2 == file { print $1 }' "$folder/SHA256SUMS")
  [ -n "$wanted" ] || fail "$from has no executable for $TARGET"
  say "downloading $from/$name.tar.gz"
  fetch "$from/$name.tar.gz" "$folder/$name.tar.gz"
  found=$(checksum "$folder/$name.tar.gz")
  [ "$found" = "$wanted" ] ||
    fail "the checksum of $name.tar.gz is $found, and SHA256SUMS has $wanted: not installed"
  (cd "$folder" && tar -xzf "$name.tar.gz") || fail "$name.tar.gz can't be unpacked"
  "$folder/$name/mqttd" --version >"$folder/version" 2>"$folder/error" ||
    fail "mqttd for $TARGET does not start here: $(head -n 1 "$folder/error")"
  mkdir -p "$DIR" || fail "can't create $DIR"
  [ ! -d "$DIR/mqttd" ] || fail "$DIR/mqttd is a folder: choose another folder with --dir"
  # Renamed into its place, so that a running mqttd is not disturbed.
  { cp "$folder/$name/mqttd" "$DIR/.mqttd.$$" && mv -f "$DIR/.mqttd.$$" "$DIR/mqttd"; } || {
    rm -f "$DIR/.mqttd.$$"
    fail "can't write to $DIR: choose another folder with --dir"
  }
  say "installed $(cat "$folder/version") as $DIR/mqttd"
  case :$PATH: in
    *":$DIR:"*) ;;
    *) say "$DIR is not in PATH: export PATH=\"$DIR:\$PATH\"" ;;
  esac
}

# At the end, so that a script that was cut in the middle does nothing.
main "$@"
