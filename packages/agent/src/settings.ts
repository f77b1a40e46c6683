import { tmpdir } from 'node:os'
import { isAbsolute } from 'node:path'
import { z } from 'zod'

/** A wrong or missing setting. The message is one sentence that names it and says what it must be. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

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
  client_username: [text('must be set: callers log in with it'), 'user name that callers log in with; required'],
  client_password: [text('must be set: callers log in with it'), 'password that callers log in with; required'],
  client_port: [wholeNumber(0, 65_535).default(8000), 'port to listen on (8000)'],
  directory_backup: [directory, 'where backup scripts leave their files, one directory a job; required'],
  directory_restore: [directory, 'where files to restore are put, one directory a job; required'],
  scripts_path: [
    directory.default('/var/vcap/jobs/backup-agent/backup'),
    'directory of the scripts (/var/vcap/jobs/backup-agent/backup)',
  ],
  allowed_to_delete_files: [
    z
      .enum(['true', 'false'], 'must be true or false')
      .transform((word) => word === 'true')
      .default(false),
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
  username: string
  password: string
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
  const read = <N extends Name>(name: N): z.infer<(typeof variables)[N][0]> => {
    const result = variables[name][0].safeParse(environment[name] || undefined)
    if (result.success) return result.data as z.infer<(typeof variables)[N][0]>
    throw new SettingsError(`${name} ${result.error.issues[0]?.message ?? 'is wrong'}.`)
  }
  const root = read('file_destination_root')
  return {
    username: read('client_username'),
    password: read('client_password'),
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

/** The table of settings that `--help` prints. */
export function settingsHelp(): string {
  const width = Math.max(...Object.keys(variables).map((name) => name.length)) + 2
  return Object.entries(variables)
    .map(([name, [, meaning]]) => `  ${name.padEnd(width)}${meaning}`)
    .join('\n')
}
