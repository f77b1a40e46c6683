import { expect, test } from 'vitest'
import { isForbiddenVariable, isReservedVariable } from './reserved-variables.ts'

test.for([
  ...['PATH', 'IFS', 'ENV', 'HOME', 'BASH_ENV', 'BASH_FUNC_pg_dump%%', 'LD_PRELOAD', 'DYLD_INSERT_LIBRARIES', 'LC_ALL'],
  ...['LOCPATH', 'NODE_OPTIONS', 'PYTHONPATH', 'PERL5LIB', 'RUBYOPT', 'JAVA_TOOL_OPTIONS', '_JAVA_OPTIONS', 'GIT_SSH'],
  ...['BACKUP_HOST', 'directory_backup', 'TMOUT', 'PS4', 'LESSOPEN', 'TAR_OPTIONS', 'GODEBUG'],
])('%s is rejected whatever the settings say', (name) => {
  expect([isForbiddenVariable(name), isReservedVariable(name)]).toEqual([true, true])
})

test.for([
  ...['PGHOSTADDR', 'PGSSLMODE', 'PGSERVICEFILE', 'PSQLRC', 'MYSQL_HOST', 'MYSQL_UNIX_PORT', 'LIBMYSQL_PLUGINS'],
  ...[
    'AWS_ENDPOINT_URL',
    'SSL_CERT_FILE',
    'SSLKEYLOGFILE',
    'CURL_HOME',
    'CURL_CA_BUNDLE',
    'REDISCLI_AUTH',
    'MONGO_URL',
  ],
  ...['ETCDCTL_ENDPOINTS', 'http_proxy', 'HTTPS_PROXY', 'all_proxy', 'No_Proxy', 'OS_AUTH_URL', 'RCLONE_CONFIG'],
  ...['KRB5_CONFIG', 'HOSTALIASES', 'RESOLV_ADD_TRIM_DOMAINS', 'RES_OPTIONS', 'VAULT_ADDR', 'KUBECONFIG', 'GZIP'],
])('%s is rejected unless the settings allow it', (name) => {
  expect([isForbiddenVariable(name), isReservedVariable(name)]).toEqual([false, true])
})

test.for([
  ...['port', 'database', 'replicaset', 'big', 'Mixed_Case', 'dump-jobs', 'OPTIONS', 'HOSTS', 'AUTH_DB', 'PLAN'],
  ...['path', 'home', 'pghost', 'max_connections', 'postgres_max_connections', 'LANGUAGES', 'proxy', 'TIMEOUT', 'SIZE'],
])('%s is an ordinary parameter', (name) => {
  expect(isReservedVariable(name)).toBe(false)
})
