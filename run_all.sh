#!/usr/bin/env bash
# From a bare Debian to the figures: installs what is missing, builds, and regenerates every result.
set -euo pipefail
cd "$(dirname "$0")"

# gcc, make, pkg-config: build. libgsl: statistics, random numbers. libhdf5: data and weights. libopenblas: matrix
# products. libfftw3: Fourier shifts. libnifti, zlib: the head volume. libssl: checksums. libjansson: lists of fastMRI
# files. gnuplot and a font: figures. check: tests. mricron-data: the Colin27 head that the default cohort is made from.
packages=(gcc libc6-dev make pkg-config libgsl-dev libhdf5-dev libopenblas-dev libfftw3-dev libnifti-dev zlib1g-dev
          libssl-dev libjansson-dev gnuplot-nox fonts-dejavu-core check mricron-data)

usage() {
    cat <<'TEXT'
usage: ./run_all.sh         install what is missing, build, make the default cohort, run the experiments, draw the figures
       ./run_all.sh test    the same set-up, then the tests
       ./run_all.sh setup   install and build only

Installing needs root or sudo, and is skipped when nothing is missing. Settings: see `make help`; they are passed on
from the environment, e.g. THREADS=4 ./run_all.sh
TEXT
}

say() {
    if [ -t 1 ]; then printf '== %s\n' "$*"; fi
}

fail() {
    printf 'run_all.sh: %s\n' "$*" >&2
    exit 1
}

missing_packages() {
    local package
    for package in "${packages[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_missing() {
    command -v dpkg-query >/dev/null || fail "this script installs Debian packages; elsewhere install: ${packages[*]}"
    local missing log
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || fail "root or sudo is needed to install: ${missing[*]}"
    say "installing ${missing[*]}"
    log=$(mktemp)
    if ! as_root apt-get update -q >"$log" 2>&1 ||
        ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install: ${missing[*]}"
    fi
    rm -f "$log"
}

case "${1:-all}" in
all | test | setup) ;;
-h | --help)
    usage
    exit 0
    ;;
*)
    usage >&2
    exit 2
    ;;
esac

install_missing
say "building"
make -s -j"$(nproc)" all
case "${1:-all}" in
all) make -s reproduce ;;
test) make -s -j"$(nproc)" check ;;
setup) ;;
esac
