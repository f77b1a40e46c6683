import {
  absolutePath,
  flag,
  httpUrl,
  isLoopbackHost,
  listOf,
  oneOf,
  type SettingsSection,
  text,
  wholeNumber,
} from '@osb-backup/node'
import { tracingTable } from '@osb-backup/node/tracing'
import { isForbiddenVariable, itemSchema } from '@osb-backup/protocol'
import { z } from 'zod'
import { transferTable } from './transfer-settings.ts'

const parameterName = z.string().refine((name) => name !== '' && !isForbiddenVariable(name))

/** Tokens are sent to it, so it is reached over TLS, unless it is on this machine. */
const enrolmentUrl = httpUrl.refine((url) => {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || isLoopbackHost(hostname)
}, 'must begin with https://')

const fingerprint = z
  .string()
  .regex(/^([0-9a-f]{2}:){31}[0-9a-f]{2}$/i, 'must be 32 pairs of hex digits with colons between them')
  .toUpperCase()

/** Settings that the Go agent also has keep its names. */
const access = {
  client_username: {
    schema: text,
    description: 'user name for HTTP basic authentication; required unless allow_without_credentials is true',
  },
  client_password: {
    schema: text,
    description: 'password for HTTP basic authentication; required unless allow_without_credentials is true',
  },
  allow_without_credentials: {
    schema: flag,
    default: 'false',
    description:
      'whether the agent starts without client_username and client_password; then any caller has full access',
  },
  client_host: { schema: text, default: '0.0.0.0', description: 'address to listen on' },
  client_port: {
    schema: wholeNumber(0, 65_535),
    default: '8000',
    description: 'port to listen on; 0 selects a free one',
  },
  tls_certificate_file: {
    schema: absolutePath,
    description: 'PEM file of the certificate, with its chain, to serve HTTPS; plain HTTP while it is not set',
  },
  tls_key_file: { schema: absolutePath, description: 'PEM file of the private key of that certificate' },
  tls_client_ca_file: {
    schema: absolutePath,
    description: 'PEM file of CAs, one of which must have signed the certificate that callers present',
  },
  enrolment_url: {
    schema: enrolmentUrl,
    description:
      'URL of the manager, which issues the certificate of the agent: TLS without files of your own, with client certificates',
  },
  enrolment_token: {
    schema: text,
    description: 'token that `osb-backup agent enrol` printed; works once, and is ignored afterwards',
  },
  enrolment_token_file: { schema: absolutePath, description: 'file that contains it, instead of enrolment_token' },
  enrolment_fingerprint: {
    schema: fingerprint,
    description: "SHA-256 of the certificate of the manager's CA, which `osb-backup agent enrol` printed",
  },
  enrolment_ca_file: {
    schema: absolutePath,
    description:
      "PEM file of CAs that the certificate of the manager's API may be signed by, in addition to those of the system",
  },
  enrolment_renewal_percent: {
    schema: wholeNumber(0, 66),
    default: '60',
    description:
      'part of the lifetime of the certificate, in percent, after which it is renewed; 0 renews it whenever that is checked',
  },
  plain_http: {
    schema: oneOf(['allow', 'forbid']),
    default: 'allow',
    description:
      'whether the agent may listen without TLS on an address that other machines reach; if allowed it logs a warning: allow or forbid',
  },
} as const

const directories = {
  directory_backup: {
    schema: absolutePath,
    isRequired: true,
    description: 'directory where backup scripts write their files, in a subdirectory for each job',
  },
  directory_restore: {
    schema: absolutePath,
    isRequired: true,
    description: 'directory that files are downloaded to for restore scripts, in a subdirectory for each job',
  },
  state_directory: {
    schema: absolutePath,
    defaultText: '<directory_backup>/.state',
    description:
      'directory of the job journal, which holds the passwords of running jobs and is readable by this user alone',
  },
  scripts_path: {
    schema: absolutePath,
    defaultText: '/var/vcap/jobs/backup-agent/backup',
    description: 'directory of the stage scripts',
  },
  packs_path: {
    schema: absolutePath,
    description: 'directory of further script packs, a folder each, which requests choose by the name of the folder',
  },
  script_user: {
    schema: text,
    defaultText: "the agent's account",
    description: 'account that scripts run under, with its groups; the agent must run as root',
  },
  allowed_parameters: {
    schema: listOf(
      parameterName,
      'must be names of parameters, with commas between them, and none that changes how scripts run',
    ),
    default: '*',
    description:
      'parameters that scripts get, separated by commas; * allows all but those that a shell, runtime or client library interprets, and a name beside it one of those',
  },
  allowed_to_delete_files: {
    schema: flag,
    default: 'false',
    description: 'whether files that scripts left behind may be deleted or replaced',
  },
  min_free_disk_mib: {
    schema: wholeNumber(0, 1_000_000_000),
    default: '100',
    description:
      'free disk space in MiB below which jobs that stage a file (form 1) do not start; 0 turns the check off',
  },
} as const

const jobs = {
  allowed_databases: {
    schema: listOf(itemSchema, 'must be names of databases, or patterns with *, with commas between them'),
    defaultText: 'all',
    description:
      'databases that may be backed up and restored into, whatever managers ask for: names, or patterns in which * matches any text, separated by commas',
  },
  max_job_number: {
    schema: wholeNumber(1, 1000),
    default: '10',
    description: 'maximum number of jobs that run at the same time, backups and restores together',
  },
  reserved_restore_number: {
    schema: wholeNumber(0, 1000),
    default: '5',
    description: 'number of restores that may run even if max_job_number is reached',
  },
  stage_timeout_seconds: {
    schema: wholeNumber(1, 2_000_000),
    default: '86400',
    description: 'time limit of each stage in seconds, after which its processes are terminated',
  },
  stage_kill_grace_seconds: {
    schema: wholeNumber(0, 3600),
    default: '10',
    description: 'seconds between SIGTERM and SIGKILL when the processes of a stage are terminated',
  },
  unlock_wait_seconds: {
    schema: wholeNumber(0, 86_400),
    default: '30',
    description:
      'seconds that a job stays running while a cleanup or unlock that failed is retried; then it ends as failed, and the retries continue',
  },
  shutdown_grace_seconds: {
    schema: wholeNumber(0, 86_400),
    default: '10',
    description: 'seconds that running jobs have to finish after the agent received SIGTERM, before they are cancelled',
  },
  job_retention_hours: {
    schema: wholeNumber(1, 100_000),
    default: '168',
    description: 'hours after which a finished job is deleted, with its directory',
  },
  job_retention_number: {
    schema: wholeNumber(1, 100_000),
    default: '1000',
    description: 'maximum number of finished jobs that are kept',
  },
} as const

/** Log levels, from few entries to many. */
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const monitoring = {
  log_level: {
    schema: oneOf(LOG_LEVELS),
    default: 'info',
    description: `lowest level that is logged: ${LOG_LEVELS.join(', ')}`,
  },
  ...tracingTable,
} as const

/** Every setting of the agent: parsing, `--help` and docs/settings.md all come from here. */
export const agentSettingsTable = { ...access, ...directories, ...jobs, ...transferTable, ...monitoring } as const

/** The settings in the order of help and reference. */
export const agentSettingsSections: readonly SettingsSection[] = [
  { title: 'Access', table: access },
  { title: 'Directories and scripts', table: directories },
  { title: 'Jobs', table: jobs },
  { title: 'Transfers', table: transferTable },
  { title: 'Monitoring', table: monitoring },
]
