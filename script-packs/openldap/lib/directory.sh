# shellcheck shell=bash
# Where the server keeps a database, and how its tools are called.
umask 077
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

CONFIG=${BACKUP_PARAMETER_CONFIG_DIRECTORY:-/etc/ldap/slapd.d}
case $CONFIG in /*) ;; *) fail "the parameter config_directory must be an absolute path" ;; esac
[ -d "$CONFIG/cn=config" ] || fail "$CONFIG is no configuration directory of slapd, or the agent's scripts may not read it: run them as root or under the account of slapd"
for program in slapcat slapadd setpriv; do
    command -v "$program" >/dev/null || fail "$program is not installed on the machine of the agent: apt-get install slapd util-linux"
done

# as OWNER_OF COMMAND...: as the account that a file belongs to. A tool that runs as root leaves files that slapd cannot open.
as() {
    local owner=$1
    shift
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid="$(stat -c %u -- "$owner")" --regid="$(stat -c %g -- "$owner")" --clear-groups -- "$@"
    else
        "$@"
    fi
}

# Each database on a line: file in the configuration, backend, suffix, directory of its files, separated by tabs.
databases() {
    local file
    as "$CONFIG" slapcat -F "$CONFIG" -n 0 -o ldif_wrap=no | LC_ALL=C awk -F ': ' '
        function decoded(text,    command, out) { command = "printf %s \047" text "\047 | base64 -d"; command | getline out; close(command); return out }
        # Base64 has no quotes, so that it is safe in a command.
        function value(line) { return line ~ /^[^:]*:: [A-Za-z0-9+\/=]*$/ ? decoded(substr(line, index(line, ":: ") + 3)) : substr(line, index(line, ": ") + 2) }
        function finish() { if (suffix != "") print name "\t" backend "\t" suffix "\t" path; name = backend = suffix = path = "" }
        /^dn: / { finish(); name = substr($0, 5) }
        /^dn: olcDatabase=/ { backend = $0; sub(/^dn: olcDatabase=\{-?[0-9]+\}/, "", backend); sub(/,.*/, "", backend) }
        /^olcSuffix::? / { if (suffix == "") suffix = value($0) }
        /^olcDbDirectory::? / { path = value($0) }
        END { finish() }'
}

# find_database: sets NAME (of its entry in the configuration), BACKEND and FILES
find_database() {
    local list name backend suffix path
    list=$(databases) || fail "the configuration in $CONFIG cannot be read"
    while IFS=$'\t' read -r name backend suffix path; do
        [ "${suffix,,}" = "${BACKUP_DATABASE,,}" ] || continue
        [ "$backend" = mdb ] || fail "the database $suffix is of the backend $backend: only mdb can be dumped while the server runs"
        NAME=$name FILES=$path
        case $FILES in /*) ;; *) fail "the directory of the database is no absolute path: $FILES" ;; esac
        return 0
    done <<<"$list"
    fail "no database of the server has the suffix $BACKUP_DATABASE"
}

# dump CONFIG: the database as LDIF, one line a value
dump() { as "$FILES" slapcat -F "$1" -g -b "$BACKUP_DATABASE" -o ldif_wrap=no; }
# count_entries <LDIF
count_entries() { grep -cE '^dn::? ' || true; }

# The last line of a dump, which says that it is whole. LDIF takes it for a comment.
TRAILER='# osb-backup: entries '
