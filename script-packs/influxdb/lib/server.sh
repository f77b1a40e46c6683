# shellcheck shell=bash
# How the server is reached: the HTTP API with the account of the job, and the RPC service, which knows none.
unset "${!INFLUX@}"
umask 077
TRAILER=osb-backup-complete

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
warn() { printf '%s\n' "$1 $2" >>"$BACKUP_WARNINGS"; }

for program in influxd curl jq; do
    command -v "$program" >/dev/null || fail "$program is not installed on the machine of the agent: apt-get install influxdb curl jq"
done

# quoted TEXT: as a value of curl's configuration
quoted() {
    local text=$1
    [[ $text != *[[:cntrl:]]* ]] || fail "user names, passwords and paths must not contain control characters"
    text=${text//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# The password is in a file that nobody else can read, never in an argument.
CURL=$BACKUP_DIRECTORY/curl.conf
{
    printf 'user = %s\nsilent\nshow-error\nnoproxy = "*"\nconnect-timeout = 30\n' "$(quoted "$BACKUP_USERNAME:$BACKUP_PASSWORD")"
    [ -z "${BACKUP_PARAMETER_SSL_CA:-}" ] || printf 'cacert = %s\n' "$(quoted "$BACKUP_PARAMETER_SSL_CA")"
} >"$CURL"
HOST=$BACKUP_HOST
[[ $HOST != *:* ]] || HOST="[$HOST]"
URL=http://$HOST:${BACKUP_PORT:-8086}
[ "${BACKUP_PARAMETER_SSL:-false}" != true ] || URL=https://$HOST:${BACKUP_PORT:-8086}
RPC=${BACKUP_PARAMETER_RPC_ADDRESS:-127.0.0.1:8088}

# api STATEMENT: its results as JSON. The server answers errors of statements with status 200.
api() {
    local answer error
    answer=$(printf %s "$1" | curl --disable --config "$CURL" --max-time 3600 --data-urlencode q@- "$URL/query") || { say "InfluxDB does not answer at $URL"; return 1; }
    error=$(jq -r '[.error, (.results[]?.error)] | map(select(. != null)) | first // empty' <<<"$answer") || { say "what answers at $URL is not InfluxDB"; return 1; }
    [ -z "$error" ] || { say "InfluxDB: $error"; return 1; }
    printf '%s\n' "$answer"
}

# identifier TEXT: as a name in InfluxQL
identifier() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}
NAME=$(identifier "${BACKUP_DATABASE:-}")

databases() { api 'SHOW DATABASES' | jq -r '.results[0].series[0].values[]?[0]'; }
has_database() {
    local names
    names=$(databases) || exit 1
    grep -qxF -- "$1" <<<"$names"
}
# series_of DATABASE: how many series it has
series_of() { api "SHOW SERIES EXACT CARDINALITY ON $(identifier "$1")" | jq '[.results[0].series[]?.values[]?[0]] | add // 0'; }
# fields_of DATABASE: a digest of the names and types of all fields, and so of all measurements
fields_of() {
    api "SHOW FIELD KEYS ON $(identifier "$1")" | jq -c '[.results[0].series[]? | [.name, (.values | sort)]] | sort' | sha256sum | cut -d ' ' -f 1
}
# shards_of DATABASE: the ids of its shards, one a line
shards_of() { api 'SHOW SHARDS' | jq -r --arg name "$1" '.results[0].series[]? | select(.name == $name) | .columns as $columns | .values[]? | .[$columns | index("id")]'; }

# The client tries again for minutes.
require_rpc() {
    [[ $RPC =~ ^(\[?[A-Za-z0-9.:_-]+\]?):([0-9]{1,5})$ ]] || fail "the parameter rpc_address must be host:port, not \"$RPC\""
    local host=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}
    host=${host#[}
    # shellcheck disable=SC2016 # for the other shell
    timeout 20 bash -c 'exec 3<>"/dev/tcp/$1/$2"' _ "${host%]}" "$port" 2>/dev/null ||
        fail "the RPC service of InfluxDB does not answer at $RPC: set bind-address in the server's configuration, and the parameter rpc_address"
}

require_item() {
    [ "$BACKUP_DATABASE" != _internal ] || fail "_internal belongs to the server and is no item"
    [[ $BACKUP_DATABASE != *[^\ -~]* ]] || fail "InfluxDB cannot restore a database whose name is not ASCII: $BACKUP_DATABASE"
}

# import DIRECTORY SOURCE TARGET: the target must not exist
import() {
    influxd restore -portable -host "$RPC" -db "$2" -newdb "$3" "$1" >&2 || fail "influxd did not restore $2 as $3"
    # Subscriptions come along, and would send what is written from now on to wherever the author of the dump likes.
    local rows policy name
    rows=$(api 'SHOW SUBSCRIPTIONS' | jq -c --arg name "$3" '.results[0].series[]? | select(.name == $name) | .values[]? | .[0:2]')
    [ -n "$rows" ] || return 0
    while IFS= read -r row; do
        policy=$(jq -r '.[0]' <<<"$row") name=$(jq -r '.[1]' <<<"$row")
        api "DROP SUBSCRIPTION $(identifier "$name") ON $(identifier "$3").$(identifier "$policy")" >/dev/null
    done <<<"$rows"
    warn subscriptions "Subscriptions of the dump were not restored: create those that you still want."
}

# manifest_of DIRECTORY: the name of its only manifest
manifest_of() {
    local found
    found=$(find "$1" -maxdepth 1 -name '*.manifest' -printf '%f\n')
    [ -n "$found" ] && [ "$(wc -l <<<"$found")" = 1 ] || fail "the copy has no manifest, or several"
    printf '%s' "$1/$found"
}
