#!/usr/bin/env bash
# start.sh - a real, one-node Ceph (monitor, one OSD on a sparse file) with radosgw: its S3 API and its Swift API.
#
#   start.sh            start what does not run; exit 0 = all ready
#   stop.sh             stop it; "stop.sh --wipe" also removes the state folder
#
# All state, configuration, logs and pids are in one folder, everything listens on loopback only. No manager daemon, no
# systemd, no block device; root or an ordinary user. A first start takes about 20 seconds, later ones five.
#
# Needs Debian's ceph-mon, ceph-osd, radosgw, ceph-common, uuid-runtime and curl.
#
# What came of it is written to env.json in the state folder.
set -euo pipefail

STATE=${LAB_CEPH_STATE:?is not set: the folder that everything lives in}
HOST=127.0.0.1
PORT=${LAB_CEPH_PORT:-18380}                      # S3, and Swift with its own login
MON_PORT=${LAB_CEPH_MON_PORT:-18310}              # the OSD takes ports from 30 above it
ACCESS_KEY=${LAB_CEPH_ACCESS_KEY:-LABCEPHKEY0000000001}
SECRET_KEY=${LAB_CEPH_SECRET_KEY:-lab/ceph+secret/000000000000000000000001}
ROLE=lab-backup
SWIFT_PASSWORD=${LAB_CEPH_SWIFT_PASSWORD:-ceph-swift-secret}
WAIT=${LAB_WAIT:-120}

die() { echo "ceph-lab: $*" >&2; exit 1; }
# alive NAME: the pid in NAME.pid runs, and is ours (a recycled pid does not count)
alive() {
    local pid
    pid=$(cat "$STATE/run/$1.pid" 2>/dev/null) || return 1
    { tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "$STATE/"; } 2>/dev/null
}
port_open() { (exec 3<>"/dev/tcp/$HOST/$1") 2>/dev/null; }

for program in ceph-mon ceph-osd radosgw ceph uuidgen curl; do
    command -v "$program" >/dev/null || die "$program is missing: apt-get install --no-install-recommends ceph-mon ceph-osd radosgw ceph-common uuid-runtime curl"
done
mkdir -p "$STATE"; chmod 700 "$STATE"
STATE=$(cd "$STATE" && pwd -P)
exec 9>"$STATE/lock"; flock -w "$WAIT" 9 || die "another start.sh holds $STATE/lock"

if alive rgw && [ -e "$STATE/role" ] && grep -qs roleArn "$STATE/env.json"; then
    echo "ceph-lab: runs already"
    exit 0
fi
alive mon || ! port_open "$MON_PORT" || die "port $MON_PORT (monitor) is taken by something else; set LAB_CEPH_MON_PORT"
alive rgw || ! port_open "$PORT" || die "port $PORT (radosgw) is taken by something else; set LAB_CEPH_PORT"

# Empty if it runs, and only what is new is added.
starts=$(alive rgw || echo yes)

# ---- configuration: the monitor's address is part of what it stores ----------------
if ! [ -e "$STATE/initialised" ] || [ "$(cat "$STATE/initialised")" != "$MON_PORT" ]; then
    for daemon in osd mon; do ! alive "$daemon" || die "$daemon runs in a state folder that is not complete: run stop.sh"; done
    rm -rf "$STATE"/{mon,osd,rgw,run,log,keyring,initialised,role}
    fresh=1
fi
mkdir -p "$STATE"/{mon,osd/0,rgw,run,log}
[ -e "$STATE/fsid" ] || uuidgen >"$STATE/fsid"
CONF=$STATE/ceph.conf
cat >"$CONF" <<EOF
[global]
fsid = $(cat "$STATE/fsid")
mon host = [v2:$HOST:$MON_PORT/0]
public network = 127.0.0.0/8
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = $STATE/keyring
run dir = $STATE/run
admin socket = $STATE/run/\$name.asok
log file = $STATE/log/\$name.log
ms bind ipv6 = false
ms bind port min = $((MON_PORT + 30))
ms bind port max = $((MON_PORT + 60))
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 800
[mon]
mon data = $STATE/mon/\$id
mon initial members = a
# Not read-only on a fairly full disk.
mon data avail crit = 1
mon data avail warn = 2
mon osd full ratio = .99
[osd]
osd data = $STATE/osd/\$id
osd objectstore = bluestore
bluestore block size = 21474836480
bluestore block create = true
bluestore fsck on mount = false
bluestore cache autotune = false
bluestore cache size = 134217728
osd memory target = 939524096
osd max object name len = 2048
[client.rgw.a]
rgw frontends = beast endpoint=$HOST:$PORT
rgw data = $STATE/rgw
rgw swift account in url = false
rgw enable usage log = false
rgw thread pool size = 64
rgw gc obj min wait = 5
rgw gc processor period = 10
rgw gc processor max time = 10
# Temporary credentials, and server-side encryption with keys of a KMS, as far as Ceph brings them itself.
rgw sts key = labcephstskey000
rgw s3 auth use sts = true
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = lab-key=$(printf '0123456789abcdef0123456789abcdef' | base64)
EOF

ceph() { command ceph -c "$CONF" --connect-timeout 20 "$@"; }
start() {  # NAME CMD...: Ceph's daemons put themselves into the background once they are initialised
    local name=$1; shift
    alive "$name" || "$@" -c "$CONF" --pid-file "$STATE/run/$name.pid" >>"$STATE/log/$name.out" 2>&1 </dev/null 9>&- ||
        die "$name does not start: $(tail -n 5 "$STATE/log/$name.out")"
}
admin() {
    radosgw-admin -c "$CONF" "$@" >/dev/null 2>>"$STATE/log/admin.log" || die "radosgw-admin $1 $2: $(tail -n 3 "$STATE/log/admin.log")"
}

# ---- start -------------------------------------------------------------------------
if [ -n "${fresh:-}" ]; then
    key() { ceph-authtool "$STATE/keyring" --gen-key -n "$@" >/dev/null; }
    (umask 077; ceph-authtool --create-keyring "$STATE/keyring" >/dev/null)
    key mon. --cap mon 'allow *'
    key client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
    key client.rgw.a --cap mon 'allow rw' --cap osd 'allow rwx'
    key osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
    monmaptool --create --clobber --fsid "$(cat "$STATE/fsid")" --addv a "[v2:$HOST:$MON_PORT/0]" "$STATE/monmap" >/dev/null
    ceph-mon -c "$CONF" --mkfs -i a --monmap "$STATE/monmap" --keyring "$STATE/keyring" 2>>"$STATE/log/mkfs.log"
fi
start mon ceph-mon -i a
if [ -n "${fresh:-}" ]; then
    ceph auth import -i "$STATE/keyring" 2>>"$STATE/log/mkfs.log"
    osd=$(uuidgen)
    ceph osd new "$osd" >/dev/null
    ceph-osd -c "$CONF" -i 0 --mkfs --osd-uuid "$osd" 2>>"$STATE/log/mkfs.log"
fi
start osd ceph-osd -i 0
start rgw radosgw -n client.rgw.a

end=$((SECONDS + WAIT))
# The pid is written some time after the daemon went into the background.
born=$((SECONDS + 15))
until curl -fsS --noproxy '*' -m 5 -o /dev/null "http://$HOST:$PORT/" 2>/dev/null; do
    alive rgw || [ "$SECONDS" -lt "$born" ] || die "radosgw died: $(tail -n 5 "$STATE/log/client.rgw.a.log")"
    [ "$SECONDS" -lt "$end" ] || die "radosgw is not ready after ${WAIT}s: see $STATE/log"
    sleep 0.2
done
if [ -n "${fresh:-}" ]; then
    admin user create --uid=lab --display-name=lab --access-key="$ACCESS_KEY" --secret="$SECRET_KEY"
    admin subuser create --uid=lab --subuser=lab:swift --access=full
    admin key create --subuser=lab:swift --key-type=swift --secret-key="$SWIFT_PASSWORD"
    echo "$MON_PORT" >"$STATE/initialised"
fi
# The role that the user gets temporary credentials for.
if ! [ -e "$STATE/role" ]; then
    grants() { printf '{ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", %s }] }' "$1"; }
    radosgw-admin -c "$CONF" role get --role-name="$ROLE" >/dev/null 2>&1 ||
        admin role create --role-name="$ROLE" --assume-role-policy-doc="$(grants '"Principal": { "AWS": ["arn:aws:iam:::user/lab"] }, "Action": ["sts:AssumeRole"]')"
    admin role-policy put --role-name="$ROLE" --policy-name=s3 --policy-doc="$(grants '"Action": ["s3:*"], "Resource": "arn:aws:s3:::*"')"
    touch "$STATE/role"
fi

umask 077
[ -z "$starts" ] || echo "${LAB_RUN:-}" >"$STATE/starter"
cat >"$STATE/env.json" <<EOF
{
  "s3": { "endpoint": "http://$HOST:$PORT", "region": "default", "accessKeyId": "$ACCESS_KEY", "secretAccessKey": "$SECRET_KEY", "kmsKeyId": "lab-key" },
  "roleArn": "arn:aws:iam:::role/$ROLE",
  "swift": { "authUrl": "http://$HOST:$PORT/auth/1.0", "username": "lab:swift", "password": "$SWIFT_PASSWORD" }
}
EOF
echo "ceph-lab: ready in ${SECONDS}s on $HOST:$PORT, logs in $STATE/log"
