/** Variables that the agent sets itself, and those that change which code a script runs or how its shell reads it. */
const reserved = new RegExp(
  `^(${[
    'BACKUP_(STAGE|JOB_ID|HOST|PORT|(BACKUP_)?(USERNAME|PASSWORD)|DATABASE|DIRECTORY|WARNINGS|METADATA|FILENAME|COMPRESSION|ENCRYPTION_KEY)',
    'directory_backup|directory_restore|scripts_path',
    'PATH|LANG|HOME|IFS|ENV|CDPATH|GLOBIGNORE|TMPDIR|SHELL|PWD|OLDPWD|PS4|PROMPT_COMMAND',
    'BASH.*|SHELLOPTS|POSIXLY_CORRECT|LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|NLSPATH|GLIBC_TUNABLES|MALLOC_.*',
    'NODE_.*|PYTHON.*|PERL.*|RUBY.*|JAVA_.*|JDK_.*|_JAVA_OPTIONS|CLASSPATH|TAR_OPTIONS|RSYNC_.*|GIT_.*|SSH_.*',
    'OPENSSL_.*|LIBMYSQL_.*|PGSYSCONFDIR|PAGER|LESS.*|EDITOR|VISUAL',
  ].join('|')})$`,
)

/** Whether a parameter of this name would take over the scripts that get it under that name. */
export const isReservedVariable = (name: string): boolean => reserved.test(name)
