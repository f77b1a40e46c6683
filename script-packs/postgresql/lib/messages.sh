# shellcheck shell=bash
# Messages, warnings, and what is quoted of the messages of psql, pg_dump and pg_restore.

say() { printf '%s\n' "$*" >&2; }

fail() { say "$*"; exit 1; }

# warn CODE SENTENCE: reports something that does not fail the job but that an operator should know.
warn() {
    say "warning ($1): $2"
    printf '%s %s\n' "$1" "${2//$'\n'/ }" >>"${BACKUP_WARNINGS:-/dev/null}"
}

# Of what PostgreSQL's programs printed, the lines that say what went wrong: errors with their DETAIL and HINT. Statements and
# contexts are left out: they may quote data. At most one error and 12 lines.
quote_errors() {
    awk '
        /ERROR: |FATAL: |PANIC: |error: / {
            if (shown++ > 0) exit
            sub(/^psql:[^:]*:[0-9]+: /, ""); sub(/^pg_(dump|restore): (error: )?(could not execute query: )?/, "")
            print; keep = 1; next
        }
        /^(DETAIL|HINT): / { if (shown == 1) { print; keep = 1 } ; next }
        /^(CONTEXT|LOCATION|STATEMENT|QUERY): |^Command was: |^LINE [0-9]+: |^pg_(dump|restore): / { keep = 0; next }
        keep && /^[ \t]/ { if (++more < 8) print; next }
        { keep = 0 }
    ' "$1" | head -n 12 | cut -c 1-600
}

# fail_with FILE SENTENCE: logs what a program printed and fails; the cause comes last, where the job's message quotes it.
fail_with() {
    local quoted
    cat "$1" >&2
    quoted=$(quote_errors "$1")
    say ""
    fail "$2${quoted:+: $quoted}"
}
