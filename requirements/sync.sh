# Makes .venv hold exactly one hash-pinned set of packages and this project; sourced by run.sh and test.sh.
#
# sync_packages base|test    A no-op of a few milliseconds when .venv already holds that set. `test` contains
#                            `base`, so run.sh takes a .venv that test.sh made. Wants the repository as the
#                            working directory, Python 3.11-3.13 ($PYTHON, or the first one found) and an index.
#
# uv lives in .uv, apart from .venv: a sync removes whatever is not in the set, itself included. It does not
# read pip's configuration, so where it cannot install, pip does the same work more slowly.

say() { printf '%s\n' "kos: $*" >&2; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        fits "$PYTHON" && { command -v "$PYTHON"; return 0; }
        say "PYTHON=$PYTHON is not a working Python 3.11, 3.12 or 3.13."
        return 1
    fi
    for candidate in python3 python3.13 python3.12 python3.11 python; do
        fits "$candidate" && { command -v "$candidate"; return 0; }
    done
    if command -v uv >/dev/null; then
        candidate=$(uv python find '>=3.11,<3.14' 2>/dev/null || true)
        [ -n "$candidate" ] && fits "$candidate" && { printf '%s\n' "$candidate"; return 0; }
    fi
    say "needs Python 3.11, 3.12 or 3.13 and found none. Install one, or name it: PYTHON=/path/to/python $0"
    return 1
}

find_uv() {
    if command -v uv >/dev/null; then command -v uv; return 0; fi
    [ -x .uv/bin/uv ] && { printf '%s\n' "$PWD/.uv/bin/uv"; return 0; }
    rm -rf .uv
    "$1" -m pip install -q --disable-pip-version-check --require-hashes --target .uv -r requirements/uv.txt >&2 2>/dev/null ||
        { rm -rf .uv && "$1" -m venv .uv >&2 && .uv/bin/pip install -q --disable-pip-version-check \
            --require-hashes -r requirements/uv.txt >&2; } || return 1
    [ -x .uv/bin/uv ] && printf '%s\n' "$PWD/.uv/bin/uv"
}

# What a .venv was made by and where: its scripts name the place, so a moved clone needs a new one.
is_made_by() { [ "$(cat .venv/kos-made-by 2>/dev/null)" = "$1 in $PWD" ] && fits .venv/bin/python; }

make_venv() {
    made_by=$1
    shift
    "$made_by" -m venv --clear "$@" .venv && printf '%s\n' "$made_by in $PWD" >.venv/kos-made-by
}

install_with_uv() {
    { is_made_by "$1" || make_venv "$1" --without-pip; } &&
        "$2" pip sync -q --python .venv/bin/python --require-hashes "requirements/$3.txt" &&
        "$2" pip install -q --python .venv/bin/python --no-deps --build-constraints requirements/build.txt -e .
}

install_with_pip() {
    make_venv "$1" &&
        .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "requirements/$2.txt" &&
        .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/build.txt &&
        .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
}

# Accounts such as `nobody` have no home; uv, pip, npm and Chromium want one for their caches.
ensure_home() {
    [ -w "${HOME:-/nonexistent}" ] && return 0
    mkdir -p .tools/home
    export HOME="$PWD/.tools/home"
}

sync_packages() {
    ensure_home
    stamp=.venv/kos-stamp
    wanted=$(cat pyproject.toml requirements/*.txt | cksum)" $PWD"
    if [ -f "$stamp" ] && [ -x .venv/bin/python ] && { [ -z "${PYTHON:-}" ] || is_made_by "$(command -v "$PYTHON")"; }; then
        held=$(cat "$stamp")
        [ "$held" = "$1 $wanted" ] && return 0
        [ "$1" = base ] && [ "$held" = "test $wanted" ] && return 0
    fi
    export UV_PYTHON_DOWNLOADS=never
    python=$(find_python) || exit 1
    # A .venv of ours keeps its interpreter unless another one is asked for.
    if [ -z "${PYTHON:-}" ] && [ -f .venv/kos-made-by ]; then
        kept=$(sed 's/ in .*//' .venv/kos-made-by)
        is_made_by "$kept" && python=$kept
    fi
    say "installing the $1 packages into .venv ($("$python" -V))"
    rm -f "$stamp"
    uv=$(find_uv "$python") || uv=
    if [ -z "$uv" ] || ! install_with_uv "$python" "$uv" "$1"; then
        say "installing with pip instead of uv"
        install_with_pip "$python" "$1" || { say "the packages could not be installed, see above"; exit 1; }
    fi
    printf '%s\n' "$1 $wanted" >"$stamp"
}
