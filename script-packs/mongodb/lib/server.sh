# shellcheck shell=bash
# Names, programs, and how the server is reached.
umask 077
# The item of a whole replica set. No database can be called that: names of databases have no dots.
WHOLE=replica.set
# The last bytes of a dump: mongodump's own format is not proof against being cut off between two collections.
TRAILER='osb-backup mongodb complete'

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
warn() { printf '%s\n' "$1 $2" >>"$BACKUP_WARNINGS"; }

for program in mongodump mongorestore mongosh; do
    command -v "$program" >/dev/null || fail "$program is not installed on the machine of the agent: install mongodb-database-tools and mongodb-mongosh of MongoDB"
done

# json TEXT: as a string in JSON, which is one in YAML and JavaScript too
json() {
    local text=$1
    [[ $text != *[[:cntrl:]]* ]] || fail "names, passwords and paths must not contain control characters"
    text=${text//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# use_account USERNAME PASSWORD: the password is in files that nobody else can read, never in an argument
use_account() {
    ACCOUNT=$1
    PASSWORD=$2
    TOOLS=$BACKUP_DIRECTORY/tools.yaml
    printf 'password: %s\n' "$(json "$PASSWORD")" >"$TOOLS"
    local host=$BACKUP_HOST
    [[ $host != *:* ]] || host="[$host]"
    host=$host:${BACKUP_PORT:-27017}
    [ -z "${BACKUP_PARAMETER_REPLICA_SET:-}" ] || host=$BACKUP_PARAMETER_REPLICA_SET/$host
    CONNECTION=(--config="$TOOLS" --host="$host" --username="$ACCOUNT" --authenticationDatabase="${BACKUP_PARAMETER_LOGIN_DATABASE:-admin}")
    if [ "${BACKUP_PARAMETER_TLS:-false}" = true ]; then CONNECTION+=(--ssl); fi
    if [ -n "${BACKUP_PARAMETER_TLS_CA:-}" ]; then CONNECTION+=(--sslCAFile="$BACKUP_PARAMETER_TLS_CA"); fi
}

# The account that reads: the second one, where there is one.
use_reading_account() { use_account "${BACKUP_BACKUP_USERNAME:-$BACKUP_USERNAME}" "${BACKUP_BACKUP_PASSWORD:-$BACKUP_PASSWORD}"; }

# ask JAVASCRIPT: what it prints. `database(name)` is a database, `own` are those of the server; an error fails.
ask() {
    local script=$BACKUP_DIRECTORY/ask.js uri options
    options="?authSource=$(percent "${BACKUP_PARAMETER_LOGIN_DATABASE:-admin}")&serverSelectionTimeoutMS=20000&directConnection=$([ -n "${BACKUP_PARAMETER_REPLICA_SET:-}" ] && echo false || echo true)"
    [ -z "${BACKUP_PARAMETER_REPLICA_SET:-}" ] || options+="&replicaSet=$(percent "$BACKUP_PARAMETER_REPLICA_SET")"
    [ "${BACKUP_PARAMETER_TLS:-false}" != true ] || options+="&tls=true"
    [ -z "${BACKUP_PARAMETER_TLS_CA:-}" ] || options+="&tlsCAFile=$(percent "$BACKUP_PARAMETER_TLS_CA")"
    local host=$BACKUP_HOST
    [[ $host != *:* ]] || host="[$host]"
    uri="mongodb://$(percent "$ACCOUNT"):$(percent "$PASSWORD")@$host:${BACKUP_PORT:-27017}/$options"
    printf 'const connection = new Mongo(%s);\nconst database = (name) => connection.getDB(name);\nconst item = %s;\nconst isWhole = item === %s;\nconst own = ["admin", "config", "local"];\n%s\n' \
        "$(json "$uri")" "$(json "${BACKUP_DATABASE:-}")" "$(json "$WHOLE")" "$1" >"$script"
    mongosh --nodb --norc --quiet "$script"
}

# percent TEXT: encoded for a URI
percent() {
    local text=$1 out='' i byte
    local LC_ALL=C
    for ((i = 0; i < ${#text}; i++)); do
        byte=${text:i:1}
        case $byte in
        [A-Za-z0-9._~-]) out+=$byte ;;
        *) printf -v byte '%%%02X' "'$byte" && out+=%${byte: -2} ;;
        esac
    done
    printf %s "$out"
}

require_item() {
    case ${BACKUP_DATABASE,,} in
    admin | local | config) fail "$BACKUP_DATABASE belongs to the server and is no item; \"$WHOLE\" is the whole replica set" ;;
    esac
    [[ $BACKUP_DATABASE = "$WHOLE" || $BACKUP_DATABASE != *[\*\$\ .]* ]] || fail "\"$BACKUP_DATABASE\" cannot be the name of a database"
    [ "$BACKUP_DATABASE" != "$WHOLE" ] || [ -n "${BACKUP_PARAMETER_REPLICA_SET:-}" ] ||
        fail "the whole server can only be backed up as of one moment in a replica set: set the parameter replica_set"
}

# counts: collections and indexes of the item, on one line
counts() {
    ask 'const names = isWhole ? connection.getDBNames().filter((name) => !own.includes(name)) : [item]
let collections = 0, indexes = 0
for (const name of names) {
  for (const { name: collection, type } of database(name).getCollectionInfos()) {
    if (collection.startsWith("system.")) continue
    collections++
    if (type === "collection") indexes += database(name).getCollection(collection).getIndexes().length
  }
}
print(`counts ${collections} ${indexes}`)' | sed -nE 's/^counts ([0-9]+ [0-9]+)$/\1/p'
}
