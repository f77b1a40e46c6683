# Reads SQL as pg_restore writes it (one or more statements, each ending in a line that ends in ";"; COPY data) and writes it again,
# changed as the variables say. Also a guard: a dump comes from outside, psql acts on backslashes outside of quotes, and quotes
# cannot be trusted to end where they seem to, so that everything that pg_restore never writes ends the restore.
#
#   owners      file: lines "role<TAB>other": objects of role are given to other, both without quotes
#   skipped     file: lines "role": nothing is granted to it
#   transaction 1: the statements are run within one transaction
#   search_path replaces the empty search_path of the dump; quoted for SQL
#   skip        "skip": publications of all tables, which only a superuser can create, are left out
#   tenants     file: lines "role": the schema public is given to one of these only
#   merged      file: lines "schema.table", quoted for SQL: tables whose rows are added to those that are there already
#   existing    file: lines "role": a role that is created or changed by the output of pg_dumpall only if it is not among them
#   report      "roles": prints "owner|grantor|grantee|policy<TAB>role" lines and "schema<TAB>name<TAB>owner"; otherwise the statements
#   extensions  file that "name<TAB>schema" lines of extensions are written to
BEGIN {
    strings = 1
    if (owners != "") while ((getline line < owners) > 0) { split(line, pair, "\t"); given[pair[1]] = pair[2] }
    if (tenants != "") while ((getline line < tenants) > 0) tenant[line] = 1
    if (merged != "") while ((getline line < merged) > 0) merges[line] = 1
    if (existing != "") while ((getline line < existing) > 0) exists[line] = 1
    if (skipped != "") while ((getline line < skipped) > 0) without[line] = 1
}

copying {
    if (report == "") print
    if ($0 == "\\.") {
        copying = 0
        if (after != "") print after
        after = ""
    }
    next
}

statement == "" && (/^--/ || /^[ \t]*$/ || /^\\(un)?restrict [A-Za-z0-9]+$/) { next }

{
    statement = statement == "" ? $0 : statement "\n" $0
    scan($0)
    if (state == "" && $0 ~ /;[ \t]*$/) { handle(statement); statement = "" }
}

END { if (!failed && statement != "") refuse("it ends within a statement") }

function refuse(why) {
    failed = 1
    print "the dump is refused: " why > "/dev/stderr"
    exit 3
}

# Follows quotes through a line. state: "" outside of them, or what ends them.
function scan(rest,    at, before, character, tag) {
    while (rest != "") {
        if (state == "") {
            if (!match(rest, /['"$\\]|--|\/\*/)) { last = substr(rest, length(rest)); return }
            character = substr(rest, RSTART, 1)
            before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : ""
            at = RSTART
            if (character == "\\") refuse("it has a backslash outside of quotes")
            if (character == "/") refuse("it has a comment within a statement")
            if (character == "-") return
            if (character == "'") {
                state = (!strings || before ~ /[Ee]/ && (at < 3 || substr(rest, at - 2, 1) !~ /[A-Za-z0-9_$\200-\377]/)) ? "E" : "'"
                rest = substr(rest, at + 1)
            } else if (character == "\"") {
                state = "\""
                rest = substr(rest, at + 1)
            } else {
                rest = substr(rest, at)
                if (before !~ /[A-Za-z0-9_\200-\377]/ && match(rest, /^\$([A-Za-z_\200-\377][A-Za-z0-9_\200-\377]*)?\$/)) {
                    state = substr(rest, 1, RLENGTH)
                    rest = substr(rest, RLENGTH + 1)
                } else rest = substr(rest, 2)
            }
        } else if (state == "'" || state == "\"") {
            at = index(rest, state)
            if (!at) return
            if (substr(rest, at + 1, 1) == state) rest = substr(rest, at + 2)
            else { rest = substr(rest, at + 1); state = "" }
        } else if (state == "E") {
            if (!match(rest, /['\\]/)) return
            if (substr(rest, RSTART, 1) == "\\" || substr(rest, RSTART + 1, 1) == "'") rest = substr(rest, RSTART + 2)
            else { rest = substr(rest, RSTART + 1); state = "" }
        } else {
            at = index(rest, state)
            if (!at) return
            rest = substr(rest, at + length(state))
            state = ""
        }
    }
}

function handle(text,    role, to) {
    # Large objects come in transactions of their own. Whoever wants one transaction around everything gets nothing else that ends it.
    if (transaction) {
        if (text == "BEGIN;" || text == "COMMIT;") return
        if (text == "END;" && atomic) atomic = 0
        else if (text ~ /^(COMMIT|ROLLBACK|ABORT|END|START|SAVEPOINT|RELEASE|PREPARE TRANSACTION|BEGIN)([ \t;]|$)/) refuse("it has a statement that would end the transaction")
        if (text ~ /BEGIN ATOMIC\n/ && text !~ /\nEND;?$/) atomic = 1
    }
    if (match(text, /^(COMMENT ON|ALTER) PUBLICATION ("([^"]|"")*"|[^" ]+) /)) {
        role = substr(text, 1, RLENGTH - 1)
        sub(/^(COMMENT ON|ALTER) PUBLICATION /, "", role)
        if (role in left_out) return
    }
    if (text ~ /^SET /) {
        if (text ~ /^SET (lock_timeout|statement_timeout|idle_in_transaction_session_timeout|transaction_timeout) = /) return
        if (text == "SET standard_conforming_strings = off;") strings = 0
        if (text ~ /^SET client_encoding = / && toupper(text) ~ /'(SJIS|SHIFT_JIS_2004|BIG5|GBK|UHC|GB18030|JOHAB)'/) refuse("its encoding is one that no server uses")
        if (text ~ /^SET SESSION AUTHORIZATION DEFAULT;$/) text = "RESET ROLE;"
        else if (sub(/^SET SESSION AUTHORIZATION /, "SET ROLE ", text) && report == "roles") print "grantor\t" unquoted(substr(text, 10, length(text) - 10))
    } else if (text == "RESET SESSION AUTHORIZATION;") text = "RESET ROLE;"
    else if (search_path != "" && text == "SELECT pg_catalog.set_config('search_path', '', false);")
        text = "SELECT pg_catalog.set_config('search_path', " search_path ", false);"
    else if (text ~ /^ALTER / && match(text, / OWNER TO ("([^"]|"")*"|[^" ;]+);$/)) {
        role = unquoted(substr(text, RSTART + 10, RLENGTH - 11))
        # Up to version 14 the schema public belongs to the superuser who created the server; since then to the owner of the database.
        if (text ~ /^ALTER SCHEMA public OWNER TO /) {
            if (report == "roles" || tenants != "" && !(role in tenant)) return
        }
        if (report == "roles") {
            print "owner\t" role
            if (match(text, /^ALTER SCHEMA ("([^"]|"")*"|[^" ;]+) OWNER TO /)) print "schema\t" unquoted(substr(text, 14, RLENGTH - 23)) "\t" role
            return
        }
        if (role in given) {
            match(text, / OWNER TO ("([^"]|"")*"|[^" ;]+);$/)
            text = substr(text, 1, RSTART + 9) quoted(given[role]) ";"
        }
    } else if (text ~ /^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) /) {
        if (text ~ /^ALTER DEFAULT PRIVILEGES FOR ROLE / && match(text, /^ALTER DEFAULT PRIVILEGES FOR ROLE ("([^"]|"")*"|[^" ;]+)/)) {
            role = unquoted(substr(text, 35, RLENGTH - 34))
            if (report == "roles") print "owner\t" role
            else if (role in given) {
                text = substr(text, 1, 34) quoted(given[role]) substr(text, RLENGTH + 1)
            }
        }
        if (match(text, / (TO|FROM) ("([^"]|"")*"|[^" ;]+)( WITH GRANT OPTION)?( GRANTED BY ("([^"]|"")*"|[^" ;]+))?;$/)) {
            to = substr(text, RSTART, RLENGTH - 1)
            sub(/^ (TO|FROM) /, "", to); sub(/ GRANTED BY .*$/, "", to); sub(/ WITH GRANT OPTION$/, "", to)
            role = unquoted(to)
            if (report == "roles" && to != "PUBLIC") print "grantee\t" role
            if (role in without) return
        }
    } else if (existing != "" && match(text, /^(CREATE|ALTER) ROLE ("([^"]|"")*"|[^" ;]+)( WITH |;)/)) {
        role = substr(text, 1, RLENGTH)
        sub(/^(CREATE|ALTER) ROLE /, "", role); sub(/( WITH |;)$/, "", role)
        if (unquoted(role) in exists) return
    } else if (text ~ /^CREATE SCHEMA ("([^"]|"")*"|[^" ;]+);$/) {
        # An extension may have needed it before.
        text = "CREATE SCHEMA IF NOT EXISTS " substr(text, 15)
    } else if (report == "roles" && match(text, /^CREATE PUBLICATION ("([^"]|"")*"|[^" ]+) FOR ALL TABLES/)) {
        print "all tables\t" unquoted(substr(text, 20, RLENGTH - 34))
        return
    } else if (skip == "skip" && match(text, /^CREATE PUBLICATION ("([^"]|"")*"|[^" ]+) FOR ALL TABLES/)) {
        left_out[substr(text, 20, RLENGTH - 34)] = 1
        return
    } else if (match(text, /^COMMENT ON POLICY ("([^"]|"")*"|[^" ]+) ON ("([^"]|"")*"|[^" .]+)\.("([^"]|"")*"|[^" .]+)/)) {
        if (substr(text, 19, RLENGTH - 18) in left_out) return
    } else if (text ~ /^CREATE POLICY /) {
        if (!policy(text)) return
    } else if (extensions != "" && text ~ /^CREATE EXTENSION IF NOT EXISTS /) {
        match(text, /^CREATE EXTENSION IF NOT EXISTS ("([^"]|"")*"|[^" ;]+)/)
        role = unquoted(substr(text, 32, RLENGTH - 31))
        to = substr(text, RLENGTH + 1)
        sub(/^ WITH SCHEMA /, "", to); sub(/;$/, "", to)
        print role "\t" unquoted(to) > extensions
        return
    }
    if (report != "") { if (text ~ /^COPY .* FROM stdin;$/) copying = 1; return }
    if (match(text, /^COPY ("([^"]|"")*"|[^" .]+)\.("([^"]|"")*"|[^" .]+) \(/) && (to = substr(text, 6, RLENGTH - 7)) in merges) {
        role = substr(text, RLENGTH)
        sub(/ FROM stdin;$/, "", role)
        print "CREATE TEMPORARY TABLE osb_backup_merged (LIKE " to ") ON COMMIT DROP;"
        text = "COPY pg_temp.osb_backup_merged " role " FROM stdin;"
        after = "INSERT INTO " to " " role " SELECT " substr(role, 2, length(role) - 2) " FROM pg_temp.osb_backup_merged n WHERE n::text NOT IN (SELECT o::text FROM " to " o) ON CONFLICT DO NOTHING;\nDROP TABLE pg_temp.osb_backup_merged;"
    }
    print text
    if (text ~ /^COPY .* FROM stdin;$/) copying = 1
}

# The roles of a policy. Returns whether it is created: one for roles alone that are skipped is not.
function policy(text,    list, role, kept, dropped) {
    if (!match(text, / TO ("([^"]|"")*"|[^" ,;()]+)(, ("([^"]|"")*"|[^" ,;()]+))*( USING \(| WITH CHECK \(|;$)/)) return 1
    list = substr(text, RSTART + 4, RLENGTH - 4)
    sub(/( USING \(| WITH CHECK \(|;)$/, "", list)
    while (match(list, /^("([^"]|"")*"|[^" ,]+)(, )?/)) {
        role = substr(list, 1, RLENGTH)
        list = substr(list, RLENGTH + 1)
        sub(/, $/, "", role)
        role = unquoted(role)
        if (report == "roles") print "policy\t" role
        if (role in without) dropped++
        else kept++
    }
    if (!dropped) return 1
    match(text, /^CREATE POLICY ("([^"]|"")*"|[^" ]+) ON ("([^"]|"")*"|[^" .]+)\.("([^"]|"")*"|[^" .]+)/)
    left_out[substr(text, 15, RLENGTH - 14)] = 1
    if (kept) refuse("a policy is for roles that exist and for some that do not: " substr(text, 1, 120))
    return 0
}

function unquoted(name) {
    if (name !~ /^"/) return name
    name = substr(name, 2, length(name) - 2)
    gsub(/""/, "\"", name)
    return name
}

function quoted(name) {
    gsub(/"/, "\"\"", name)
    return "\"" name "\""
}
