# Passes a dump on without DEFINER clauses, so that everything belongs to the account that restores, and fails if the dump is not
# whole. What is in bodies of routines and in rows is not touched. Definers that are removed are written to the file `definers`.

function strip(line) {
    if (match(line, /DEFINER=`([^`]|``)*`@`([^`]|``)*` ?/)) {
        print substr(line, RSTART + 8, RLENGTH - 8) >definers
        return substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
    }
    return line
}

# A view whose definer lacks rights is dumped with the name of its database before columns. Under another name that database does not
# exist, or is the wrong one. Strings are left alone.
function unqualified(line,    out, i, c, quoted, prefix) {
    prefix = "`" source "`."
    while ((i = match(line, /['\\`]/)) > 0) {
        c = substr(line, i, 1)
        if (c == "\\") { out = out substr(line, 1, i + 1); line = substr(line, i + 2); continue }
        if (c == "'") { quoted = !quoted; out = out substr(line, 1, i); line = substr(line, i + 1); continue }
        out = out substr(line, 1, i - 1)
        line = substr(line, i)
        if (!quoted && substr(line, 1, length(prefix)) == prefix) { line = substr(line, length(prefix) + 1) }
        # The rest of the name, which may contain anything but a single backtick.
        if (!quoted && match(line, /^`([^`]|``)*`/)) { out = out substr(line, 1, RLENGTH); line = substr(line, RLENGTH + 1) }
        else { out = out substr(line, 1, 1); line = substr(line, 2) }
    }
    return out line
}

{ last = $0 }
NR < 10 && match($0, /^-- Host: .*    Database: /) { source = substr($0, RLENGTH + 1); gsub(/`/, "``", source) }
$0 == "DELIMITER ;;" { delimited = 1; body = 0; print; next }
$0 == "DELIMITER ;" { delimited = 0; body = 0; print; next }
# The first line of a routine, trigger or event; the others of it are its body.
delimited && !body && /^(\/\*!50003 CREATE\*\/ |\/\*!50106 CREATE\*\/ |CREATE )/ {
    print strip($0)
    body = $0 !~ /;;$/
    next
}
delimited { if ($0 ~ /;;$/) body = 0; print; next }
# The second line of a view.
/^\/\*!50013 DEFINER=/ { print strip($0); next }
/^\/\*!50001 VIEW `/ && source != "" && source != target { print unqualified($0); next }
{ print }

END {
    if (last !~ /^-- Dump completed/) {
        print "the dump is not whole: its last line is missing" >"/dev/stderr"
        exit 1
    }
}
