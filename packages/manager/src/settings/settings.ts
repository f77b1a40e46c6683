import { resolve } from 'node:path'
import { ageKeys } from '@osb-backup/core'
import { isAgeRecipient } from '@osb-backup/storage'
import { z } from 'zod'
import { type OidcSettings, oidcSettingDocs, readOidcSettings } from './oidc-settings.ts'
import { givenVariables, readVariables } from './read-variables.ts'

/** What the manager can be told. This file alone reads the environment; `main.ts` prints it for `--help`. */
export interface ManagerSettings {
  host: string
  /** 0 takes a free port. */
  port: number
  /** Absolute folder for the embedded PostgreSQL, the sealing key and the first token. */
  dataDirectory: string
  /** PostgreSQL 14 or newer; undefined: the embedded one. */
  databaseUrl: string | undefined
  /** First admin token; undefined: one is made. */
  adminToken: string | undefined
  /** Key that seals secrets, 64 hex digits; undefined: `DATA_DIR/secret.key`, made on first run. */
  secretKey: string | undefined
  /** Another key, which opens too while keys are exchanged; undefined: none. */
  otherSecretKey: string | undefined
  /** Origins of web pages that may call the API: URLs without a path, or `*`. */
  allowedOrigins: readonly string[]
  /** FILE destinations must lie inside; undefined: there are none. */
  fileDestinationRoot: string | undefined
  /** Whether destinations may lie in private networks and on this machine. */
  privateDestinations: 'allow' | 'forbid'
  /** Least time between two runs of a plan. */
  minimumIntervalSeconds: number
  /** How long an agent may be out of reach before the part it runs is FAILED. */
  agentUnreachableSeconds: number
  /** How long an agent may have no place for a part before it is FAILED. */
  agentBusySeconds: number
  /** Longest wait between two looks at a running part. */
  agentPollMs: number
  /** age recipients that can open every encrypted backup, besides those of its plan. */
  recoveryRecipients: readonly string[]
  /** Jobs that run at the same time, over all managers on one database. */
  maxRunningJobs: number
  maxRunningJobsPerAgent: number
  maxRunningJobsPerDestination: number
  /** How late a scheduled run is still caught up after an outage. */
  scheduleGraceSeconds: number
  /** Longest delay that spreads the runs of plans that are due in the same moment. */
  scheduleJitterSeconds: number
  /** How long it is remembered what became of scheduled runs. */
  runHistoryDays: number
  /** How long after a change of a plan's retention nothing is deleted. */
  retentionChangeGraceHours: number
  /** What happens to the files of an instance whose broker deletes its plans. */
  deprovisionFiles: 'keep' | 'delete'
  /** How long a last backup may take before the broker is refused; 0: none is taken. */
  deprovisionBackupSeconds: number
  logLevel: string
  /** Identity provider whose tokens are taken too; undefined: none is. */
  oidc: OidcSettings | undefined
}

interface SettingDoc {
  name: string
  default: string
  means: string
}

/** Every variable with its default and meaning, for `--help`. */
export const settingDocs: readonly SettingDoc[] = [
  { name: 'HOST', default: '127.0.0.1', means: 'address to listen on' },
  { name: 'PORT', default: '8080', means: 'port to listen on; 0 takes a free one' },
  {
    name: 'DATA_DIR',
    default: './data',
    means: 'folder of the embedded PostgreSQL, the sealing key and the first token',
  },
  { name: 'DATABASE_URL', default: '(embedded)', means: 'PostgreSQL 14 or newer to use instead of the embedded one' },
  {
    name: 'ADMIN_TOKEN',
    default: '(made)',
    means: 'the first admin token, 20 characters or more, instead of making one',
  },
  { name: 'SECRET_KEY', default: 'DATA_DIR/secret.key', means: '64 hex digits: the key that seals stored secrets' },
  {
    name: 'OTHER_SECRET_KEY',
    default: '(none)',
    means: '64 hex digits: a key that opens secrets too, while SECRET_KEY is exchanged',
  },
  {
    name: 'ALLOWED_ORIGINS',
    default: '(none)',
    means: 'origins of web pages that may call the API, separated by commas, or *',
  },
  { name: 'FILE_DESTINATION_ROOT', default: '(none)', means: 'absolute folder that FILE destinations must lie in' },
  {
    name: 'PRIVATE_DESTINATIONS',
    default: 'allow',
    means: 'forbid: no destination may lie in a private network or on this machine',
  },
  { name: 'MINIMUM_INTERVAL_SECONDS', default: '3600', means: 'least time between two runs of a plan' },
  {
    name: 'AGENT_UNREACHABLE_SECONDS',
    default: '300',
    means: 'how long an agent may be out of reach before its job fails',
  },
  {
    name: 'AGENT_BUSY_SECONDS',
    default: '21600',
    means: 'how long an agent may answer that it is busy before its job fails',
  },
  { name: 'AGENT_POLL_MS', default: '2000', means: 'longest wait between two looks at a running job' },
  {
    name: 'RECOVERY_RECIPIENTS',
    default: '(none)',
    means: 'age recipients, separated by commas, that can open every encrypted backup besides those of its plan',
  },
  {
    name: 'MAX_RUNNING_JOBS',
    default: '100',
    means: 'jobs that run at the same time, over all managers on one database',
  },
  { name: 'MAX_RUNNING_JOBS_PER_AGENT', default: '10', means: 'of those, at one agent' },
  { name: 'MAX_RUNNING_JOBS_PER_DESTINATION', default: '20', means: 'of those, with one file destination' },
  {
    name: 'SCHEDULE_GRACE_SECONDS',
    default: '86400',
    means: 'how late a run that an outage kept from starting is still caught up, once for each plan',
  },
  {
    name: 'SCHEDULE_JITTER_SECONDS',
    default: '0',
    means: 'longest delay that spreads plans that are due in the same moment; each plan keeps its own',
  },
  { name: 'RUN_HISTORY_DAYS', default: '90', means: 'how long it is remembered what became of scheduled runs' },
  {
    name: 'RETENTION_CHANGE_GRACE_HOURS',
    default: '24',
    means: 'how long after a change of its retention a plan deletes nothing',
  },
  {
    name: 'DEPROVISION_FILES',
    default: 'keep',
    means: 'what happens to the files of an instance whose broker deletes its plans: keep or delete',
  },
  {
    name: 'DEPROVISION_BACKUP_SECONDS',
    default: '0',
    means: 'how long a last backup before that may take; if it fails the broker is refused; 0: none is taken',
  },
  { name: 'LOG_LEVEL', default: 'info', means: 'fatal, error, warn, info, debug, trace or silent' },
  ...oidcSettingDocs,
]

const integer = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `must be from ${minimum} to ${maximum}`)

const absoluteFolder = z.string().startsWith('/', 'must be an absolute path')

/** Whether a text is `*`, or scheme, host and port of a web page and nothing else. */
function isOrigin(text: string): boolean {
  return text === '*' || (URL.canParse(text) && new URL(text).origin === text)
}

const secretKey = z.string().regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hex digits')

const environmentSchema = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: integer(0, 65_535).default(8080),
  DATA_DIR: z.string().default('./data'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgresql:// URL' }).optional(),
  ADMIN_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{20,200}$/, 'must be 20 to 200 printable characters without spaces')
    .optional(),
  SECRET_KEY: secretKey.optional(),
  OTHER_SECRET_KEY: secretKey.optional(),
  ALLOWED_ORIGINS: z
    .string()
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .refine((origins) => origins.every(isOrigin), 'must be origins like https://dashboard.example, or *')
    .optional(),
  FILE_DESTINATION_ROOT: absoluteFolder.optional(),
  PRIVATE_DESTINATIONS: z.enum(['allow', 'forbid'], 'must be allow or forbid').default('allow'),
  MINIMUM_INTERVAL_SECONDS: integer(1, 31_536_000).default(3600),
  AGENT_UNREACHABLE_SECONDS: integer(1, 604_800).default(300),
  AGENT_BUSY_SECONDS: integer(1, 604_800).default(21_600),
  AGENT_POLL_MS: integer(50, 600_000).default(2000),
  RECOVERY_RECIPIENTS: z
    .string()
    .transform(ageKeys)
    .refine((keys) => keys.every(isAgeRecipient), 'must be age recipients (age1…), with commas between them')
    .optional(),
  MAX_RUNNING_JOBS: integer(1, 10_000).default(100),
  MAX_RUNNING_JOBS_PER_AGENT: integer(1, 10_000).default(10),
  MAX_RUNNING_JOBS_PER_DESTINATION: integer(1, 10_000).default(20),
  SCHEDULE_GRACE_SECONDS: integer(0, 31_536_000).default(86_400),
  SCHEDULE_JITTER_SECONDS: integer(0, 86_400).default(0),
  RUN_HISTORY_DAYS: integer(1, 36_500).default(90),
  RETENTION_CHANGE_GRACE_HOURS: integer(0, 8760).default(24),
  DEPROVISION_FILES: z.enum(['keep', 'delete'], 'must be keep or delete').default('keep'),
  DEPROVISION_BACKUP_SECONDS: integer(0, 86_400).default(0),
  LOG_LEVEL: z
    .enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'must be fatal, error, warn, info, debug, trace or silent',
    )
    .default('info'),
})

/**
 * Reads the settings. An empty variable counts as absent.
 *
 * @throws {SettingError} Naming the first variable that cannot be used.
 */
export function readSettings(environment: NodeJS.ProcessEnv = process.env): ManagerSettings {
  const data = readVariables(environmentSchema, givenVariables(settingDocs, environment))
  return {
    host: data.HOST,
    port: data.PORT,
    dataDirectory: resolve(data.DATA_DIR),
    databaseUrl: data.DATABASE_URL,
    adminToken: data.ADMIN_TOKEN,
    secretKey: data.SECRET_KEY,
    otherSecretKey: data.OTHER_SECRET_KEY,
    allowedOrigins: data.ALLOWED_ORIGINS ?? [],
    fileDestinationRoot: data.FILE_DESTINATION_ROOT,
    privateDestinations: data.PRIVATE_DESTINATIONS,
    minimumIntervalSeconds: data.MINIMUM_INTERVAL_SECONDS,
    agentUnreachableSeconds: data.AGENT_UNREACHABLE_SECONDS,
    agentBusySeconds: data.AGENT_BUSY_SECONDS,
    agentPollMs: data.AGENT_POLL_MS,
    recoveryRecipients: data.RECOVERY_RECIPIENTS ?? [],
    maxRunningJobs: data.MAX_RUNNING_JOBS,
    maxRunningJobsPerAgent: data.MAX_RUNNING_JOBS_PER_AGENT,
    maxRunningJobsPerDestination: data.MAX_RUNNING_JOBS_PER_DESTINATION,
    scheduleGraceSeconds: data.SCHEDULE_GRACE_SECONDS,
    scheduleJitterSeconds: data.SCHEDULE_JITTER_SECONDS,
    runHistoryDays: data.RUN_HISTORY_DAYS,
    retentionChangeGraceHours: data.RETENTION_CHANGE_GRACE_HOURS,
    deprovisionFiles: data.DEPROVISION_FILES,
    deprovisionBackupSeconds: data.DEPROVISION_BACKUP_SECONDS,
    logLevel: data.LOG_LEVEL,
    oidc: readOidcSettings(environment),
  }
}
