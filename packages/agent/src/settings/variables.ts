import { isAbsolute } from 'node:path'
import { ageKeys, isAgeRecipientList } from '@osb-backup/core'
import { z } from 'zod'

const flag = z.enum(['true', 'false'], 'must be true or false').transform((word) => word === 'true')
const file = z.string().refine(isAbsolute, 'must be an absolute path').optional()
const text = (problem: string) => z.string(problem).min(1, problem)
const directory = z.string('must be set to an absolute directory').refine(isAbsolute, 'must be an absolute directory')
const wholeNumber = (minimum: number, maximum: number) => {
  const problem = `must be a whole number from ${minimum} to ${maximum}`
  return z
    .string()
    .regex(/^\d{1,10}$/, problem)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, problem)
}
const proxy = z
  .string()
  .refine((url) => /^https?:\/\//i.test(url) && URL.canParse(url), 'must be the URL of a proxy')
  .optional()
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Each variable with what it means; `--help` prints this table. The first eight are the Go agent's names. */
export const variables = {
  client_username: [
    text('must be set: callers log in with it').optional(),
    'user name that callers log in with; required',
  ],
  client_password: [
    text('must be set: callers log in with it').optional(),
    'password that callers log in with; required',
  ],
  client_port: [wholeNumber(0, 65_535).default(8000), 'port to listen on (8000)'],
  directory_backup: [directory, 'where backup scripts leave their files, one directory a job; required'],
  directory_restore: [directory, 'where files to restore are put, one directory a job; required'],
  scripts_path: [
    directory.default('/var/vcap/jobs/backup-agent/backup'),
    'directory of the scripts (/var/vcap/jobs/backup-agent/backup)',
  ],
  allowed_to_delete_files: [
    flag.default(false),
    'whether files that scripts left behind may be removed or replaced (false)',
  ],
  max_job_number: [wholeNumber(1, 1000).default(10), 'jobs that may run at a time, backups and restores together (10)'],
  client_host: [text('must be an address to listen on').default('0.0.0.0'), 'address to listen on (0.0.0.0)'],
  stage_timeout_seconds: [
    wholeNumber(1, 2_000_000).default(86_400),
    'time limit of every stage, after which its processes are killed (86400)',
  ],
  stage_kill_grace_seconds: [
    wholeNumber(0, 3600).default(10),
    'time between asking the processes of a stage to stop and killing them (10)',
  ],
  min_free_disk_mib: [
    wholeNumber(0, 1_000_000_000).default(100),
    'free disk space, in MiB, without which runs that stage a file (form 1) are not begun; 0: not checked (100)',
  ],
  state_directory: [
    directory.optional(),
    'where jobs are written down, readable by this user alone; passwords too while a job runs (<directory_backup>/.state)',
  ],
  shutdown_grace_seconds: [
    wholeNumber(0, 86_400).default(10),
    'time that running jobs have to end by themselves after SIGTERM, before they are cancelled (10)',
  ],
  job_retention_hours: [
    wholeNumber(1, 100_000).default(168),
    'how long jobs that are over can be asked for; then they go, and their directories with them (168)',
  ],
  job_retention_number: [wholeNumber(1, 100_000).default(1000), 'how many jobs that are over are kept at most (1000)'],
  tls_certificate_file: [file, 'certificate (PEM, with its chain) to listen with over TLS; needs tls_key_file'],
  tls_key_file: [file, 'private key (PEM) of the certificate'],
  tls_client_ca_file: [file, 'CA (PEM) whose client certificates callers must show; needs tls_certificate_file'],
  allow_without_credentials: [
    flag.default(false),
    'whether to start without client_username and client_password (false)',
  ],
  file_destination_root: [
    directory.optional(),
    'directory that destinations of type FILE must lie in; they are refused while this is not set',
  ],
  store_ca_file: [file, 'CAs (PEM) that are trusted besides the system’s when S3 and Swift are reached'],
  bandwidth_limit_kib_per_second: [
    wholeNumber(1, 1_000_000_000).optional(),
    'what all transfers together may take, up and down; no limit where this is not set',
  ],
  s3_maximum_parts: [
    wholeNumber(1000, 10_000).optional(),
    'parts that an upload to S3 may have; 1000 for vendors that take no more (10000)',
  ],
  compression_algorithm: [
    z.enum(['zstd', 'gzip'], 'must be zstd or gzip').default('zstd'),
    'how the agent compresses where a request does not say: zstd or gzip (zstd)',
  ],
  compression_level: [
    wholeNumber(1, 19).optional(),
    'how hard: 1 to 19 for zstd, 1 to 9 for gzip (3 and 6, the formats’ own)',
  ],
  recovery_recipients: [
    z
      .string()
      .refine(isAgeRecipientList, 'must be age recipients (age1…), with commas between them')
      .transform(ageKeys)
      .default([]),
    'age recipients that can open every encrypted backup, besides those of its plan',
  ],
  transform_files: [
    flag.default(false),
    'whether the agent compresses and encrypts the files of form 1 scripts too, which are then told not to (false)',
  ],
  write_manifests: [
    flag.default(true),
    'whether each stored object gets a file <name>.manifest.json beside it, which says what it is (true)',
  ],
  HTTPS_PROXY: [proxy, 'proxy over which S3 and Swift are reached where their URL is https'],
  HTTP_PROXY: [proxy, 'the same for http'],
  NO_PROXY: [z.string().optional(), 'hosts that are reached without, with commas: "s3.internal,.example.org"'],
  log_level: [
    z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
    `one of ${logLevels.join(', ')} (info)`,
  ],
} as const satisfies Record<string, readonly [z.ZodType, string]>

/** The name of a setting. */
export type Name = keyof typeof variables
/** What a setting is once it is read. */
export type Value<N extends Name> = z.infer<(typeof variables)[N][0]>

/** The table of settings that `--help` prints. */
export function settingsHelp(): string {
  const width = Math.max(...Object.keys(variables).map((name) => name.length)) + 2
  return Object.entries(variables)
    .map(([name, [, meaning]]) => `  ${name.padEnd(width)}${meaning}`)
    .join('\n')
}
