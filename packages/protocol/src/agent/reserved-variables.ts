/** Variables that the agent sets itself. */
const ownVariables = [
  'BACKUP_(STAGE|JOB_ID|HOST|PORT|(BACKUP_)?(USERNAME|PASSWORD)|DATABASE|DIRECTORY|WARNINGS|METADATA|FILENAME|COMPRESSION|ENCRYPTION_KEY)',
  'directory_backup|directory_restore|scripts_path',
]

/** Variables with which the loader, the shell or a runtime runs other code: no setting permits them. */
const codeVariables = [
  'PATH|IFS|ENV|CDPATH|FPATH|GLOBIGNORE|EXECIGNORE|HOME|PWD|OLDPWD|SHELL|PS[0-9]|PROMPT_COMMAND|TMOUT|FCEDIT|INPUTRC|ZDOTDIR',
  'BASH.*|SHELLOPTS|FUNCNEST|POSIX.*|KSH.*|ZSH.*|TMPDIR|TMP|TEMP|TEMPDIR|TERMINFO.*|TERMCAP|TERMPATH',
  'LD_.*|DYLD_.*|LIBPATH|SHLIB_PATH|_RLD.*|GCONV_PATH|LOCPATH|NLSPATH|GLIBC_.*|MALLOC.*|JE_MALLOC.*|TCMALLOC.*|GETCONF_DIR',
  'LANG|LANGUAGE|LC_.*|TZ|TZDIR',
  'NODE_.*|NPM_.*|npm_.*|PYTHON.*|PIP_.*|PERL.*|RUBY.*|GEM_.*|BUNDLE.*|RAKE.*|PHP.*|LUA_.*|TCL.*|ERL_.*|ELIXIR_.*|ERLANG_.*',
  'JAVA.*|_JAVA.*|JDK_.*|JVM_.*|CLASSPATH|DOTNET_.*|COR_.*|CORECLR_.*|MONO_.*|GO(DEBUG|PATH|ROOT|TRACEBACK|GC|FLAGS|PROXY|MAXPROCS|MEMLIMIT)',
  'PAGER|MANPAGER|LESS.*|EDITOR|VISUAL|BROWSER|AWK.*|GAWK.*|MAKE.*|SUDO_.*|GIT_.*|SSH_.*|RSYNC_.*|TAR_OPTIONS|TAPE|RSH|GREP_.*',
]

/** Variables that client libraries and tools read: where they connect to, whom they trust, which files they read. */
const clientVariables = [
  '[A-Za-z]+_[Pp][Rr][Oo][Xx][Yy]',
  'SSL.*|OPENSSL_.*|GNUTLS_.*|NSS_.*|NSPR_.*|CURL.*|REQUESTS_.*|WGET.*|NETRC|KRB5.*|GSS.*|SASL_.*|LDAP.*',
  'RES_OPTIONS|LOCALDOMAIN|HOSTALIASES|RESOLV_.*|XDG_.*|DBUS_.*|SYSTEMD_.*|NOTIFY_SOCKET|LISTEN_(PID|FDS|FDNAMES)|GNUPG.*|GPG.*',
  'PG.*|PSQL.*|MYSQL.*|LIBMYSQL.*|MARIADB.*|REDIS.*|VALKEY.*|MONGO.*|ETCD.*|CQLSH.*|CASSANDRA.*|RABBITMQ.*|COUCH.*|INFLUX.*',
  'ORACLE_.*|ORA_.*|TNS_.*|NLS_.*|SQLPATH|SQLCMD.*|SQLITE.*|ODBC.*|TDS.*|FREETDS.*|DB2.*|ELASTIC.*|KAFKA_.*|ZOO.*',
  'AWS_.*|AMAZON_.*|BOTO.*|GOOGLE_.*|GCLOUD_.*|CLOUDSDK_.*|AZURE_.*|ARM_.*|OS_.*|ST_.*|RCLONE_.*|RESTIC_.*|BORG_.*|MC_.*',
  'VAULT_.*|CONSUL_.*|NOMAD_.*|KUBE.*|DOCKER_.*|GZIP|BZIP|BZIP2|PIGZ|XZ_.*|ZSTD_.*|LZOP|ZIPOPT|UNZIP|HISTFILE|MAIL.*',
]

const matcher = (patterns: readonly string[]) => {
  const pattern = new RegExp(`^(${patterns.join('|')})$`, 's')
  return (name: string): boolean => pattern.test(name)
}

/** Whether a parameter of this name would take over the scripts that get it under that name. No setting permits one. */
export const isForbiddenVariable = matcher([...ownVariables, ...codeVariables])

/**
 * Whether a parameter of this name changes how the shell, a runtime or a client library works in the scripts that get it under
 * that name. A tenant that sets one could have a script send its password elsewhere.
 */
export const isReservedVariable = matcher([...ownVariables, ...codeVariables, ...clientVariables])
