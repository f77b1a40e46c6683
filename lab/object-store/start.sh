#!/usr/bin/env bash
# start.sh - a real, one-node OpenStack Swift with Keystone, and Swift's S3 API, as plain processes.
#
#   start.sh            start what does not run; says where it is; exit 0 = all ready
#   stop.sh             stop it; "stop.sh --wipe" also removes the state folder
#
# What runs, all on 127.0.0.1; all state, configuration, logs and pids under one folder:
#   identity   Keystone: Identity v3, sqlite, fernet tokens      $LAB_IDENTITY_PORT
#   proxy      Swift API (/v1/AUTH_...) and S3 API (/bucket/...) $LAB_OBJECT_STORE_PORT
#   proxy-tls  the same over https, own certificate (optional)   $LAB_OBJECT_STORE_TLS_PORT
#   account, container, object: Swift's storage servers, memcached
# No systemd, no docker, no loop mount, no system user; root or an ordinary user.
#
# Needs Debian's python3-swift, python3-keystone, python3-keystonemiddleware, memcached, curl and bc, and openssl for
# the TLS port; `npm run lab -- up` installs them.
#
# What came of it is written to env.sh (shell) and env.json in the state folder.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd -P)

# ---- settings (override by environment; the last start's values are not remembered) ----
STATE=${LAB_OBJECT_STORE_STATE:?is not set: the folder that everything lives in}
HOST=127.0.0.1                                           # loopback only, on purpose
PORT=${LAB_OBJECT_STORE_PORT:-18080}                     # Swift + S3
TLS_PORT=${LAB_OBJECT_STORE_TLS_PORT-18443}                  # the same over https; empty: not at all
IDENTITY_PORT=${LAB_IDENTITY_PORT:-15000}                # Keystone
ACCOUNT_PORT=${LAB_SWIFT_ACCOUNT_PORT:-18202}
CONTAINER_PORT=${LAB_SWIFT_CONTAINER_PORT:-18201}
OBJECT_PORT=${LAB_SWIFT_OBJECT_PORT:-18200}
MEMCACHED_PORT=${LAB_MEMCACHED_PORT:-18211}
PROXY_WORKERS=${LAB_SWIFT_PROXY_WORKERS:-0}              # 0: one process, no fork
OBJECT_WORKERS=${LAB_SWIFT_OBJECT_WORKERS:-0}
MAX_FILE_SIZE=${LAB_SWIFT_MAX_FILE_SIZE:-33554432}       # largest single PUT: low, so that tests need segments
S3_MIN_PART=${LAB_S3_MIN_PART:-5242880}                  # S3's own minimum part size
DOMAIN=${LAB_DOMAIN:-lab}                                # what a v3 client logs in with
PROJECT=${LAB_PROJECT:-backups}
USERNAME=${LAB_USERNAME:-backup}
PASSWORD=${LAB_PASSWORD:-backup-secret}
ACCESS_KEY=${LAB_ACCESS_KEY:-LABACCESSKEY00000001}       # what an S3 client logs in with
SECRET_KEY=${LAB_SECRET_KEY:-lab/secret+key/0000000000000000000000001}
REGION=${LAB_REGION:-us-east-1}                          # SigV4 region and catalog region
ADMIN_PASSWORD=${LAB_ADMIN_PASSWORD:-admin-secret}       # Keystone's admin (also Swift's service user)
WAIT=${LAB_WAIT:-120}                                    # seconds to wait for readiness

PY="/usr/bin/python3 -Es"       # Debian's python: not pyenv's, not the user's site-packages
CONF=$STATE/conf RUN=$STATE/run LOG=$STATE/log DEV=$STATE/devices
SERVICES="memcached identity account container object proxy${TLS_PORT:+ proxy-tls}"
AUTH_URL=http://$HOST:$IDENTITY_PORT/v3
ME=$(id -un)

die() { echo "object-store-lab: $*" >&2; exit 1; }

# alive NAME: the pid in NAME.pid runs, and is ours (a recycled pid does not count)
alive() {
    local pid
    pid=$(cat "$RUN/$1.pid" 2>/dev/null) || return 1
    { tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "$STATE/"; } 2>/dev/null
}
port_open() { (exec 3<>"/dev/tcp/$HOST/$1") 2>/dev/null; }
http_ok() { curl -fsSk --noproxy '*' -m 5 -o /dev/null "$1" 2>/dev/null; }

# spawn NAME CMD...: background, own session and process group, output to a log
spawn() {
    local name=$1; shift
    alive "$name" && return 0
    setsid "$@" >>"$LOG/$name.log" 2>&1 </dev/null 9>&- &
    echo $! >"$RUN/$name.pid"
}

for f in /usr/lib/python3/dist-packages/{swift,keystone,keystonemiddleware}/__init__.py /usr/bin/memcached; do
    [ -e "$f" ] || die "$f is missing: apt-get install --no-install-recommends python3-swift python3-keystone python3-keystonemiddleware memcached"
done
mkdir -p "$STATE"; chmod 700 "$STATE"
STATE=$(cd "$STATE" && pwd -P); CONF=$STATE/conf RUN=$STATE/run LOG=$STATE/log DEV=$STATE/devices
mkdir -p "$CONF" "$RUN" "$LOG" "$DEV/d1" "$STATE/keystone"
exec 9>"$STATE/lock"; flock -w "$WAIT" 9 || die "another start.sh holds $STATE/lock"

# ---- the ports must be ours or free ------------------------------------------------
check_port() { alive "$1" || ! port_open "$2" || die "port $2 ($1) is taken by something else"; }
check_port memcached "$MEMCACHED_PORT"; check_port identity "$IDENTITY_PORT"
check_port account "$ACCOUNT_PORT";     check_port container "$CONTAINER_PORT"
check_port object "$OBJECT_PORT";       check_port proxy "$PORT"
[ -z "$TLS_PORT" ] || check_port proxy-tls "$TLS_PORT"

# ---- configuration, written afresh at every start ----------------------------------
# shellcheck source=configure.sh
. "$HERE/configure.sh"

# ---- start -------------------------------------------------------------------------
t0=$(date +%s.%N)
# $STATE/ is in each command line: that is how stop.sh knows its own
spawn memcached memcached -l "$HOST" -p "$MEMCACHED_PORT" -U 0 -m 64 -c 1024 \
      -P "$RUN/memcached.own.pid" $([ "$ME" = root ] && echo "-u root")
for kind in account container object proxy ${TLS_PORT:+proxy-tls}; do
    # shellcheck disable=SC2086
    spawn "$kind" $PY "$HERE/swift-server.py" "$CONF" "$kind"
done
if ! [ -e "$STATE/keystone/initialised" ]; then
    rm -rf "$STATE/keystone"; mkdir -p "$STATE/keystone"
    # shellcheck disable=SC2086
    $PY "$HERE/identity-init.py" "$CONF/keystone.conf" "$STATE/keystone/keystone.db" "$ADMIN_PASSWORD" "$AUTH_URL" "$REGION" \
        >>"$LOG/identity-init.log" 2>&1 || die "identity-init failed: $LOG/identity-init.log"
    touch "$STATE/keystone/initialised"
fi
# shellcheck disable=SC2086
spawn identity $PY "$HERE/identity-server.py" "$CONF/keystone.conf" "$HOST" "$IDENTITY_PORT"

# ---- wait until every server answers -----------------------------------------------
end=$((SECONDS + WAIT))
ready() {
    case $1 in
        memcached) port_open "$MEMCACHED_PORT" ;;
        identity)  http_ok "$AUTH_URL" ;;
        account)   http_ok "http://$HOST:$ACCOUNT_PORT/healthcheck" ;;
        container) http_ok "http://$HOST:$CONTAINER_PORT/healthcheck" ;;
        object)    http_ok "http://$HOST:$OBJECT_PORT/healthcheck" ;;
        proxy)     http_ok "http://$HOST:$PORT/healthcheck" ;;
        proxy-tls) http_ok "https://$HOST:$TLS_PORT/healthcheck" ;;
    esac
}
for s in $SERVICES; do
    until ready "$s"; do
        alive "$s" || die "$s died: $(tail -n 5 "$LOG/$s.log")"
        [ "$SECONDS" -lt "$end" ] || die "$s is not ready after ${WAIT}s: see $LOG/$s.log"
        sleep 0.1
    done
done

# shellcheck disable=SC2086
STORAGE_URL=$(L_AUTH_URL=$AUTH_URL L_SWIFT_URL=http://$HOST:$PORT L_REGION=$REGION \
    L_ADMIN_PASSWORD=$ADMIN_PASSWORD L_DOMAIN=$DOMAIN L_PROJECT=$PROJECT L_USERNAME=$USERNAME \
    L_PASSWORD=$PASSWORD L_ACCESS_KEY=$ACCESS_KEY L_SECRET_KEY=$SECRET_KEY \
    $PY "$HERE/identity-setup.py" 2>>"$LOG/identity-init.log") || die "identity-setup failed: $(tail -n 3 "$LOG/identity-init.log")"

# ---- tell --------------------------------------------------------------------------
umask 077
cat >"$STATE/env.sh" <<EOF
export OS_IDENTITY_API_VERSION=3 OS_AUTH_URL='$AUTH_URL' OS_REGION_NAME='$REGION'
export OS_USER_DOMAIN_NAME='$DOMAIN' OS_PROJECT_DOMAIN_NAME='$DOMAIN' OS_PROJECT_NAME='$PROJECT'
export OS_USERNAME='$USERNAME' OS_PASSWORD='$PASSWORD'
export AWS_ACCESS_KEY_ID='$ACCESS_KEY' AWS_SECRET_ACCESS_KEY='$SECRET_KEY' AWS_DEFAULT_REGION='$REGION'
export LAB_S3_ENDPOINT='http://$HOST:$PORT' LAB_STORAGE_URL='$STORAGE_URL'
export LAB_S3_TLS_ENDPOINT='${TLS_PORT:+https://$HOST:$TLS_PORT}' LAB_CA='${TLS_PORT:+$STATE/tls.crt}'
EOF
cat >"$STATE/env.json" <<EOF
{
  "swift": { "authUrl": "$AUTH_URL", "domain": "$DOMAIN", "projectName": "$PROJECT",
             "username": "$USERNAME", "password": "$PASSWORD", "region": "$REGION", "storageUrl": "$STORAGE_URL" },
  "s3": { "endpoint": "http://$HOST:$PORT", "tlsEndpoint": "${TLS_PORT:+https://$HOST:$TLS_PORT}", "ca": "${TLS_PORT:+$STATE/tls.crt}", "region": "$REGION", "forcePathStyle": true,
          "accessKeyId": "$ACCESS_KEY", "secretAccessKey": "$SECRET_KEY" }
}
EOF
printf 'object-store-lab: ready in %.1fs. S3 http://%s:%s  Identity %s  Swift %s\n' \
    "$(echo "$(date +%s.%N) - $t0" | bc -l 2>/dev/null || echo 0)" "$HOST" "$PORT" "$AUTH_URL" "$STORAGE_URL"
echo "object-store-lab: settings in $STATE/env.sh and $STATE/env.json, logs in $LOG"
