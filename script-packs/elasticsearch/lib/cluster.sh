# shellcheck shell=bash
# How the cluster is reached, and what its indices are.
umask 077

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
fail_for_now() { say "$*"; exit 75; }
warn() { printf '%s\n' "$1 $2" >>"$BACKUP_WARNINGS"; }

for program in curl jq; do command -v "$program" >/dev/null || fail "$program is not installed on the machine of the agent: apt-get install curl jq"; done

# quoted TEXT: as a value of curl's configuration
quoted() {
    local text=$1
    [[ $text != *[[:cntrl:]]* ]] || fail "user names, passwords and paths must not contain control characters"
    text=${text//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# The password is in a file that nobody else can read, never in an argument.
CURL=$BACKUP_DIRECTORY/curl.conf
[[ $BACKUP_USERNAME != *:* ]] || fail "the name of the account must not contain a colon"
{
    printf 'user = %s\nsilent\nshow-error\ngloboff\npath-as-is\n' "$(quoted "$BACKUP_USERNAME:$BACKUP_PASSWORD")"
    printf 'noproxy = "*"\nconnect-timeout = 30\nmax-time = %s\nheader = "Content-Type: application/json"\n' "${BACKUP_PARAMETER_REQUEST_TIMEOUT_SECONDS:-60}"
    [ -z "${BACKUP_PARAMETER_TLS_CA:-}" ] || printf 'cacert = %s\n' "$(quoted "$BACKUP_PARAMETER_TLS_CA")"
} >"$CURL"
HOST=$BACKUP_HOST
[[ $HOST != *:* ]] || HOST="[$HOST]"
SCHEME=http
[ "${BACKUP_PARAMETER_TLS:-false}" != true ] || SCHEME=https
URL=$SCHEME://$HOST:${BACKUP_PORT:-9200}
ANSWER=$BACKUP_DIRECTORY/answer
DEADLINE=$((SECONDS + ${BACKUP_PARAMETER_TIMEOUT_SECONDS:-14400}))

# call METHOD PATH [BODY]: STATUS becomes that of the answer, 000 if there is none; the answer is in $ANSWER
call() {
    local body=()
    if [ -n "${3:-}" ]; then
        printf %s "$3" >"$BACKUP_DIRECTORY/request"
        body=(--data-binary "@$BACKUP_DIRECTORY/request")
    fi
    : >"$ANSWER"
    STATUS=$(curl --disable --config "$CURL" --request "$1" "${body[@]}" --output "$ANSWER" --write-out '%{http_code}' "$URL/$2") || STATUS=000
    # An answer that was cut off is none, and neither is the 404 of a proxy.
    if [[ $STATUS == 2* || $STATUS == 404 ]] && ! jq -es 'length == 1 and (.[0] | type == "object")' "$ANSWER" >/dev/null 2>&1; then STATUS=000; fi
}

is_temporary() { [[ $STATUS == 000 || $STATUS == 429 || $STATUS == 5* ]]; }

reason() {
    { jq -r '(.error | if type == "object" then .reason else . end) // empty | tostring' "$ANSWER" 2>/dev/null || true; } | tr -d '[:cntrl:]' | cut -c 1-300
}

# refuse WHAT: ends the script because of the last answer
refuse() {
    local because
    because=$(reason)
    if [ "$STATUS" = 000 ]; then fail_for_now "$1: $URL does not answer with a whole JSON object"; fi
    if is_temporary; then fail_for_now "$1: status $STATUS${because:+, $because}"; fi
    fail "$1: status $STATUS${because:+, $because}"
}

# request METHOD PATH WHAT [BODY]: fails unless it succeeds
request() {
    call "$1" "$2" "${4:-}"
    [[ $STATUS == 2* ]] || refuse "$3"
}

# encoded TEXT: as a part of a path
encoded() { jq -rn --arg text "$1" '$text | @uri'; }

# Names that would select something else than themselves (patterns, lists, date math, other clusters) are no items.
require_item() {
    [[ $BACKUP_DATABASE != *[\\/*?\"\<\>\|\ ,#:]* && $BACKUP_DATABASE != [._+-]* ]] ||
        fail "\"$BACKUP_DATABASE\" cannot be the name of an index or a data stream, or belongs to the cluster"
}

# resolve NAME: KIND becomes index, stream, alias (left by a restore), others (another alias) or none, and CONCRETE the index
resolve() {
    KIND=none CONCRETE=
    call GET "_resolve/index/$(encoded "$1")?expand_wildcards=open,closed"
    [ "$STATUS" != 404 ] || return 0
    [[ $STATUS == 2* ]] || refuse "cannot find out what $1 is"
    KIND=$(jq -r --arg name "$1" '
        if any(.data_streams[]?; .name == $name) then "stream"
        elif any(.indices[]?; .name == $name) then "index"
        else first(.aliases[]? | select(.name == $name)) // null
            | if . == null then "none"
              elif ([.indices] | flatten | length == 1 and (.[0] | startswith($name + "-restored-"))) then "alias"
              else "others" end
        end' "$ANSWER")
    case $KIND in
        index) CONCRETE=$1 ;;
        alias) CONCRETE=$(jq -r --arg name "$1" '.aliases[] | select(.name == $name) | [.indices] | flatten | .[0]' "$ANSWER") ;;
    esac
}

# require_backup_source: the index or data stream of the item is SOURCE
require_backup_source() {
    require_item
    resolve "$BACKUP_DATABASE"
    case $KIND in
        none) fail "there is no index or data stream $BACKUP_DATABASE, or the account may not see it" ;;
        others) fail "$BACKUP_DATABASE is an alias: back up its indices" ;;
    esac
    jq -e --arg name "${CONCRETE:-$BACKUP_DATABASE}" 'any(.indices[]?; .name == $name and (.attributes // [] | index("closed") != null)) | not' "$ANSWER" >/dev/null ||
        fail "the index $BACKUP_DATABASE is closed: open it"
    SOURCE=${CONCRETE:-$BACKUP_DATABASE}
}

require_cluster() {
    request GET '' "cannot read the cluster's version"
    CLUSTER=$(jq -r '.cluster_uuid // ""' "$ANSWER")
    VERSION=$(jq -r '.version.number // ""' "$ANSWER")
    PRODUCT=$(jq -r '.version.distribution // "elasticsearch"' "$ANSWER")
    [[ $CLUSTER =~ ^[A-Za-z0-9_-]{5,64}$ && $CLUSTER != _na_ ]] || fail_for_now "the cluster at $URL has not formed, or is none"
    [[ $VERSION =~ ^([0-9]+)\.([0-9]+)\. ]] || fail "what answers at $URL is not Elasticsearch or OpenSearch"
    [ "$PRODUCT" = opensearch ] || ((BASH_REMATCH[1] > 7 || (BASH_REMATCH[1] == 7 && BASH_REMATCH[2] >= 9))) ||
        fail "Elasticsearch $VERSION is too old: this pack needs 7.9 or newer"
}

count() {
    request GET "$(encoded "$1")/_count" "cannot count the documents of $1"
    jq -e '._shards.failed == 0 and (.count | type == "number")' "$ANSWER" >/dev/null || fail "not all shards of $1 can be read"
    COUNT=$(jq -r .count "$ANSWER")
}

# health NAME: HEALTH becomes green, yellow, red, or unknown while the cluster does not answer
health() {
    call GET "_cluster/health/$(encoded "$1")?timeout=1s"
    HEALTH=unknown
    # A shard that is not allocated yet makes the answer 408.
    if [[ $STATUS == 2* || $STATUS == 408 ]]; then HEALTH=$(jq -r '.status // "unknown"' "$ANSWER" 2>/dev/null || echo unknown); fi
    if [[ $STATUS == 40[13] ]]; then refuse "cannot read the health of $1"; fi
}
