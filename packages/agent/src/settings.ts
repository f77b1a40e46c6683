import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { z } from 'zod'
import type { JobRetention } from './jobs/expiry.ts'

/** A wrong or missing setting. The message is one sentence that names it and says what it must be. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

const flag = z
  .enum(['true', 'false'], 'must be true or false')
  .transform((word) => word === 'true')
  .default(false)
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
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** Each variable with what it means; `--help` prints this table. The first eight are the Go agent's names. */
const variables = {
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
  allowed_to_delete_files: [flag, 'whether files that scripts left behind may be removed or replaced (false)'],
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
  allow_without_credentials: [flag, 'whether to start without client_username and client_password (false)'],
  file_destination_root: [
    directory.optional(),
    'directory that destinations of type FILE must lie in; they are refused while this is not set',
  ],
  log_level: [
    z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
    `one of ${logLevels.join(', ')} (info)`,
  ],
} as const satisfies Record<string, readonly [z.ZodType, string]>

type Name = keyof typeof variables

/** The settings of an agent, checked. */
export interface AgentSettings {
  /** What callers log in with. Absent only where that was explicitly allowed: then anybody may call. */
  credentials?: { username: string; password: string }
  host: string
  /** 0: any free port. */
  port: number
  backupDirectory: string
  restoreDirectory: string
  scriptsPath: string
  /** Whether the scripts path was chosen, not the default: then it must exist. */
  scriptsPathChosen: boolean
  mayDeleteFiles: boolean
  maxJobs: number
  stageTimeLimitMs: number
  killGraceMs: number
  minFreeDiskBytes: number
  stateDirectory: string
  shutdownGraceMs: number
  retention: JobRetention
  /** Paths of PEM files. Absent: plain HTTP. */
  tls?: { certificateFile: string; keyFile: string; clientCaFile?: string }
  fileDestinationRoot?: string
  logLevel: (typeof logLevels)[number]
  /** The only variables of the agent's own environment that scripts get. */
  scriptBase: Readonly<Record<'PATH' | 'HOME' | 'LANG' | 'TMPDIR', string>>
}

/**
 * Reads the settings of an agent.
 *
 * @param environment - Usually `process.env`. An empty variable counts as not set.
 * @throws {SettingsError} For the first setting that is wrong or missing.
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): AgentSettings {
  const read: Read = <N extends Name>(name: N) => {
    const result = variables[name][0].safeParse(environment[name] || undefined)
    if (result.success) return result.data as z.infer<(typeof variables)[N][0]>
    throw new SettingsError(`${name} ${result.error.issues[0]?.message ?? 'is wrong'}.`)
  }
  const root = read('file_destination_root')
  const credentials = readCredentials(read)
  const tls = readTls(read)
  return {
    ...(credentials === undefined ? {} : { credentials }),
    host: read('client_host'),
    port: read('client_port'),
    backupDirectory: read('directory_backup'),
    restoreDirectory: read('directory_restore'),
    scriptsPath: read('scripts_path'),
    scriptsPathChosen: Boolean(environment.scripts_path),
    mayDeleteFiles: read('allowed_to_delete_files'),
    maxJobs: read('max_job_number'),
    stageTimeLimitMs: read('stage_timeout_seconds') * 1000,
    killGraceMs: read('stage_kill_grace_seconds') * 1000,
    minFreeDiskBytes: read('min_free_disk_mib') * 1024 * 1024,
    stateDirectory: read('state_directory') ?? join(read('directory_backup'), '.state'),
    shutdownGraceMs: read('shutdown_grace_seconds') * 1000,
    retention: { maxAgeMs: read('job_retention_hours') * 3_600_000, maxNumber: read('job_retention_number') },
    ...(tls === undefined ? {} : { tls }),
    ...(root === undefined ? {} : { fileDestinationRoot: root }),
    logLevel: read('log_level'),
    scriptBase: {
      PATH: environment.PATH || '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: environment.HOME || '/',
      LANG: environment.LANG || 'C.UTF-8',
      TMPDIR: environment.TMPDIR || tmpdir(),
    },
  }
}

type Read = <N extends Name>(name: N) => z.infer<(typeof variables)[N][0]>

function readCredentials(read: Read): AgentSettings['credentials'] {
  const username = read('client_username')
  const password = read('client_password')
  if (username !== undefined && password !== undefined) return { username, password }
  if (read('allow_without_credentials') && username === undefined && password === undefined) return undefined
  const missing = username === undefined ? 'client_username' : 'client_password'
  throw new SettingsError(`${missing} must be set: callers log in with it.`)
}

function readTls(read: Read): AgentSettings['tls'] {
  const certificateFile = read('tls_certificate_file')
  const keyFile = read('tls_key_file')
  const clientCaFile = read('tls_client_ca_file')
  if (certificateFile === undefined && keyFile === undefined) {
    if (clientCaFile === undefined) return undefined
    throw new SettingsError('tls_client_ca_file needs tls_certificate_file and tls_key_file.')
  }
  if (certificateFile === undefined) throw new SettingsError('tls_certificate_file must be set with tls_key_file.')
  if (keyFile === undefined) throw new SettingsError('tls_key_file must be set with tls_certificate_file.')
  return { certificateFile, keyFile, ...(clientCaFile === undefined ? {} : { clientCaFile }) }
}

/** The table of settings that `--help` prints. */
export function settingsHelp(): string {
  const width = Math.max(...Object.keys(variables).map((name) => name.length)) + 2
  return Object.entries(variables)
    .map(([name, [, meaning]]) => `  ${name.padEnd(width)}${meaning}`)
    .join('\n')
}
