# shellcheck shell=bash disable=SC2154
# configure.sh - read by start.sh: writes the configuration of Swift and Keystone, and Swift's rings, for its settings.

cat >"$CONF/swift.conf" <<EOF
# The hash suffix places objects on the disk: never change it in a state folder in use.
[swift-hash]
swift_hash_path_suffix = object-store-lab
swift_hash_path_prefix = object-store-lab
[swift-constraints]
max_file_size = $MAX_FILE_SIZE
EOF

# Storage servers. mount_check off: "devices/d1" is a plain folder. fallocate_reserve 0:
# do not answer 507 on a fairly full disk. The long container_update_timeout matters:
# past it the object server answers 201 but leaves the listing to a daemon (the
# object-updater) that does not run here, so a busy machine would lose listing rows.
storage_conf() {  # KIND PORT WORKERS
    cat <<EOF
[DEFAULT]
bind_ip = $HOST
bind_port = $2
workers = $3
user = $ME
swift_dir = $CONF
devices = $DEV
mount_check = false
fallocate_reserve = 0
log_level = WARNING
[pipeline:main]
pipeline = healthcheck $1-server
[filter:healthcheck]
use = egg:swift#healthcheck
[app:$1-server]
use = egg:swift#$1
conn_timeout = 10
node_timeout = 60
container_update_timeout = 60
EOF
}
storage_conf account   "$ACCOUNT_PORT"   0 >"$CONF/account-server.conf"
storage_conf container "$CONTAINER_PORT" 0 >"$CONF/container-server.conf"
storage_conf object    "$OBJECT_PORT" "$OBJECT_WORKERS" >"$CONF/object-server.conf"

# Proxy. One node and no replica: error limiting would turn ten slow answers into a
# minute of 503, so it is off; the timeouts suit a loaded two-core machine.
# s3token needs a service login: Debian's patched Keystone (bug 2119646) answers
# /v3/s3tokens to admin or service users only; without it each S3 request ends in a
# misleading SignatureDoesNotMatch. secret_cache_duration lets Swift check
# S3 signatures itself, else each S3 request costs Keystone calls.
cat >"$CONF/proxy-server.conf" <<EOF
[DEFAULT]
bind_ip = $HOST
bind_port = $PORT
workers = $PROXY_WORKERS
user = $ME
swift_dir = $CONF
log_level = INFO
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck proxy-logging cache listing_formats bulk tempurl authtoken s3api s3token keystoneauth copy container-quotas account-quotas slo dlo versioned_writes symlink proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
conn_timeout = 10
node_timeout = 60
error_suppression_limit = 1000000
error_suppression_interval = 0
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:proxy-logging]
use = egg:swift#proxy_logging
access_log_headers = false
[filter:cache]
use = egg:swift#memcache
memcache_servers = $HOST:$MEMCACHED_PORT
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:tempurl]
use = egg:swift#tempurl
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
www_authenticate_uri = $AUTH_URL
auth_url = $AUTH_URL
auth_type = password
project_domain_name = Default
user_domain_name = Default
project_name = admin
username = admin
password = $ADMIN_PASSWORD
delay_auth_decision = true
cache = swift.cache
include_service_catalog = false
service_token_roles_required = true
log_level = WARNING
[filter:s3api]
use = egg:swift#s3api
location = $REGION
storage_domain = localhost
min_segment_size = $S3_MIN_PART
max_upload_part_num = 10000
[filter:s3token]
use = egg:swift#s3token
auth_uri = $AUTH_URL
delay_auth_decision = true
secret_cache_duration = 300
auth_url = $AUTH_URL
auth_type = password
project_domain_name = Default
user_domain_name = Default
project_name = admin
username = admin
password = $ADMIN_PASSWORD
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member
reseller_admin_role = ResellerAdmin
[filter:copy]
use = egg:swift#copy
[filter:container-quotas]
use = egg:swift#container_quotas
[filter:account-quotas]
use = egg:swift#account_quotas
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
EOF

if [ -n "$TLS_PORT" ]; then     # a second proxy: same settings, other port, with a certificate
    [ -e "$STATE/tls.crt" ] || openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$HOST" \
        -addext "subjectAltName=IP:$HOST,DNS:localhost" -keyout "$STATE/tls.key" -out "$STATE/tls.crt" 2>>"$LOG/openssl.log"
    sed -e "s|^bind_port = .*|bind_port = $TLS_PORT\ncert_file = $STATE/tls.crt\nkey_file = $STATE/tls.key|" \
        "$CONF/proxy-server.conf" >"$CONF/proxy-tls-server.conf"
fi

# Keystone. bcrypt with 4 rounds: a password check takes 1 ms in place of 210. The cache (in
# the process: there is only one) makes a login or a check 20 ms in place of 100-150;
# "memory_pickle", since Keystone changes cached values that plain "memory" hands out.
cat >"$CONF/keystone.conf" <<EOF
[DEFAULT]
public_endpoint = http://$HOST:$IDENTITY_PORT/
use_stderr = true
log_dir =
[database]
connection = sqlite:///$STATE/keystone/keystone.db
[token]
provider = fernet
expiration = 3600
[fernet_tokens]
key_repository = $STATE/keystone/fernet-keys
[fernet_receipts]
key_repository = $STATE/keystone/fernet-keys
[credential]
key_repository = $STATE/keystone/credential-keys
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = dogpile.cache.memory_pickle
EOF

# ---- rings: one zone, one device, one replica (rebuilt when a port changed) --------
want_rings="$HOST $ACCOUNT_PORT $CONTAINER_PORT $OBJECT_PORT"
if [ "$(cat "$CONF/rings.built" 2>/dev/null || true)" != "$want_rings" ]; then
    # shellcheck disable=SC2086
    $PY - "$CONF" $want_rings <<'EOF'
import sys
from swift.common.ring import RingBuilder
conf, host, *ports = sys.argv[1:]
for name, port in zip(('account', 'container', 'object'), ports):
    b = RingBuilder(4, 1, 0)     # 2**4 partitions, 1 replica
    b.add_dev({'region': 1, 'zone': 1, 'weight': 1, 'ip': host, 'port': int(port), 'device': 'd1',
               'replication_ip': host, 'replication_port': int(port)})
    b.rebalance()
    b.get_ring().save('%s/%s.ring.gz' % (conf, name))
EOF
    echo "$want_rings" >"$CONF/rings.built"
fi
