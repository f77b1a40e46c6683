# shellcheck shell=bash
# read_receipt: reads the dump on standard input, to its end, into STANZA, LABEL and DIGEST
read_receipt() {
    local lines
    head -c 4097 >"$BACKUP_DIRECTORY/receipt"
    mapfile -t lines <"$BACKUP_DIRECTORY/receipt"
    lines+=('' '' '' '')
    STANZA=${lines[1]#stanza=} LABEL=${lines[2]#label=} DIGEST=${lines[3]#manifest=}
    # Compared as a whole: whatever is cut off, added or out of place makes a difference.
    receipt_of "$STANZA" "$LABEL" "$DIGEST" | cmp -s - "$BACKUP_DIRECTORY/receipt" || fail "the dump is not the receipt of a backup by this pack, or not whole"
    [[ $STANZA =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]*$ && $LABEL =~ ^[0-9]{8}-[0-9]{6}F(_[0-9]{8}-[0-9]{6}[DI])?$ && $DIGEST =~ ^[0-9a-f]{64}$ ]] ||
        fail "the receipt names no backup"
}

# receipt_of STANZA LABEL DIGEST
receipt_of() { printf 'osb-backup pgbackrest 1\nstanza=%s\nlabel=%s\nmanifest=%s\ncomplete\n' "$1" "$2" "$3"; }
