# shellcheck shell=bash
# Counts the rows of every table at a backup, for the checks of restore drills, in the snapshot that pg_dump reads afterwards.

# More would leave too little of the metadata for what a restore needs.
MAX_COUNTS_BYTES=100000

# count_rows ACCOUNT: adds the counts to the metadata, and sets SNAPSHOT. The session that holds it stays open until stop_counting.
count_rows() {
    local line
    ROW_COUNTS=$BACKUP_DIRECTORY/row-counts
    export ROW_COUNTS
    coproc COUNTER { sql "$1" "$BACKUP_DATABASE" 2>"$BACKUP_DIRECTORY/count-errors"; }
    COUNTER_INPUT=${COUNTER[1]} COUNTER_OUTPUT=${COUNTER[0]}
    {
        echo 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;'
        echo 'SELECT pg_export_snapshot();'
        cat "$PACK/sql/count-rows.sql"
        echo "SELECT 'counted';"
    } >&"$COUNTER_INPUT"
    IFS= read -r SNAPSHOT <&"$COUNTER_OUTPUT" || fail_with "$BACKUP_DIRECTORY/count-errors" "the rows could not be counted"
    : >"$ROW_COUNTS"
    while IFS= read -r line <&"$COUNTER_OUTPUT" && [ "$line" != counted ]; do printf '%s\n' "$line" >>"$ROW_COUNTS"; done
    [ "$line" = counted ] || fail_with "$BACKUP_DIRECTORY/count-errors" "the rows could not be counted"
    if [ "$(stat -c %s "$ROW_COUNTS")" -gt "$MAX_COUNTS_BYTES" ]; then
        warn row-counts "There are too many tables to record the rows of each: drills cannot compare them."
        return
    fi
    sql "$1" "$BACKUP_DATABASE" >"$BACKUP_METADATA.counted" <<'SQL'
\set metadata `cat "$BACKUP_METADATA"`
\set counts `cat "$ROW_COUNTS"`
SELECT :'metadata'::jsonb || jsonb_build_object('rowCounts', (
    SELECT coalesce(jsonb_object_agg(split_part(line, E'\t', 1), split_part(line, E'\t', 2)::bigint), '{}')
    FROM regexp_split_to_table(:'counts', E'\n') line WHERE line <> ''));
SQL
    mv "$BACKUP_METADATA.counted" "$BACKUP_METADATA"
}

stop_counting() {
    [ -n "${COUNTER_INPUT:-}" ] || return 0
    exec {COUNTER_INPUT}>&- {COUNTER_OUTPUT}<&-
    wait "${COUNTER_PID:-}" 2>/dev/null || true
}
