#!/usr/bin/env bash
# Downloads URL to FILE, unless FILE is there already, and takes it only if its MD5 is the expected one. A file with
# another checksum is kept as FILE.rejected, for a look at what was sent, and never used.
set -euo pipefail
[ $# = 3 ] || { echo "usage: download_checked.sh URL MD5 FILE" >&2; exit 2; }
url=$1 md5=$2 file=$3

fail() {
    echo "download_checked.sh: $*" >&2
    exit 1
}

download() {
    if command -v curl >/dev/null; then
        curl -fsSL --retry 3 -o "$1" "$url"
    else
        wget -q -O "$1" "$url"
    fi
}

# Takes the file, or puts it aside.
check() {
    local found
    found=$(md5sum <"$1" | cut -d ' ' -f 1)
    [ "$found" = "$md5" ] && return
    mv "$1" "$file.rejected"
    fail "$file: expected MD5 $md5, found $found; kept as $file.rejected and not used"
}

if [ -e "$file" ]; then
    check "$file"
    echo "$file is there already"
    exit 0
fi
command -v curl wget >/dev/null || fail "curl or wget is needed to download $url"
mkdir -p "$(dirname "$file")"
trap 'rm -f "$file.part"' EXIT
download "$file.part" 2>/dev/null || fail "$url cannot be downloaded"
check "$file.part"
mv "$file.part" "$file"
echo "$file: downloaded; make reproduce uses it from now on"
