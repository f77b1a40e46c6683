import { ageKeys, isAgeRecipientList } from '@osb-backup/core'
import { absolutePath, listOf, oneOf, type SettingsSection, text, wholeNumber } from '@osb-backup/node'
import { s3CredentialSources } from '@osb-backup/protocol/v1'
import { z } from 'zod'
import { agentUrl, network, origin } from './address-schemas.ts'
import { credHubTable } from './credhub-settings.ts'
import { jobTable, scheduleTable } from './job-settings.ts'
import { monitoringTable } from './monitoring-settings.ts'
import { oidcTable } from './oidc-settings.ts'
import { historyTable, retentionTable } from './retention-settings.ts'
import { httpAddress } from './safe-address.ts'

const secretKey = z.string().regex(/^[0-9a-f]{64}$/i, 'must be 64 hex digits')

const api = {
  HOST: { schema: text, default: '127.0.0.1', description: 'address to listen on' },
  PORT: { schema: wholeNumber(0, 65_535), default: '8080', description: 'port to listen on; 0 selects a free one' },
  TLS_CERTIFICATE_FILE: {
    schema: absolutePath,
    description:
      'PEM file of the certificate, with its chain, to serve HTTPS; renewed files are used without a restart',
  },
  TLS_KEY_FILE: { schema: absolutePath, description: 'PEM file of the private key of that certificate' },
  PLAIN_HTTP: {
    schema: oneOf(['allow', 'forbid']),
    default: 'allow',
    description:
      'whether the manager may listen without TLS on an address that other machines reach, which it logs a warning of, and call agents on other machines by http:// URLs: allow or forbid',
  },
  TRUSTED_PROXIES: {
    schema: listOf(network, 'must be addresses or networks such as 10.0.0.0/8, with commas between them'),
    description:
      'addresses or networks of reverse proxies, separated by commas, whose X-Forwarded-For names the client for limits and audit entries',
  },
  ALLOWED_ORIGINS: {
    schema: listOf(origin, 'must be origins like https://dashboard.example, or *'),
    description: 'origins of web pages that may call the API, separated by commas, or *',
  },
  ADMIN_TOKEN: {
    schema: z.string().regex(/^[\x21-\x7e]{20,200}$/, 'must be 20 to 200 printable characters without spaces'),
    defaultText: 'generated',
    description: 'the first admin token; used only while the database has no token',
  },
  MAX_TOKEN_LIFETIME_DAYS: {
    schema: wholeNumber(0, 36_500),
    default: '0',
    description: 'longest time in days that a new token may be valid, also one without an expiry; 0: no limit',
  },
  MAX_EVENT_STREAMS: {
    schema: wholeNumber(1, 100_000),
    default: '500',
    description: 'maximum number of event streams that are open at one manager',
  },
  MAX_EVENT_STREAMS_PER_CALLER: {
    schema: wholeNumber(1, 100_000),
    default: '20',
    description: 'maximum number of event streams that one token or user has open at one manager',
  },
  DASHBOARD_DIR: {
    schema: text,
    defaultText: 'the one that was built with the manager',
    description: 'directory of the built dashboard, which is served at `/`',
  },
  LOG_LEVEL: {
    schema: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    default: 'info',
    description: 'least severity that is logged: fatal, error, warn, info, debug, trace or silent',
  },
  SHUTDOWN_TIMEOUT_SECONDS: {
    schema: wholeNumber(1, 3600),
    default: '25',
    description:
      'time in seconds after which a manager that is being stopped exits, whatever it waits for; jobs continue at their agents',
  },
} as const

const data = {
  DATA_DIR: {
    schema: text,
    default: './data',
    description: 'directory of the embedded PostgreSQL, the sealing key and the first token',
  },
  DATABASE_URL: {
    schema: z.string().regex(/^postgres(ql)?:\/\//, 'must be a postgresql:// URL'),
    defaultText: 'embedded',
    description:
      'PostgreSQL 14 or newer to use instead of the embedded one; several hosts may be listed, of which the one that accepts writes is used',
  },
  SECRET_KEY: {
    schema: secretKey,
    defaultText: 'DATA_DIR/secret.key',
    description: 'key that seals stored secrets, 64 hex digits',
  },
  SECRET_KEY_FILE: {
    schema: absolutePath,
    description: 'file with that key, such as one that a secret store mounts, instead of SECRET_KEY',
  },
  SECRET_KEY_COMMAND: {
    schema: text,
    description:
      'shell command that prints that key, such as one that asks Vault, CredHub or a KMS, instead of SECRET_KEY; run once at the start',
  },
  CLOCK_SKEW_WARNING_SECONDS: {
    schema: wholeNumber(1, 86_400),
    default: '5',
    description: "difference in seconds between this machine's clock and PostgreSQL's from which it is reported",
  },
  OTHER_SECRET_KEY: {
    schema: secretKey,
    description: 'key that opens stored secrets too while SECRET_KEY is rotated, 64 hex digits',
  },
} as const

const destinations = {
  FILE_DESTINATION_ROOT: {
    schema: absolutePath,
    description: 'absolute directory that FILE destinations must be inside; while it is not set there are none',
  },
  FILE_DESTINATION_ROLE: {
    schema: oneOf(['operator', 'admin']),
    default: 'operator',
    description:
      'role that may create and move FILE destinations: with operator a directory belongs to the service instance that first uses it, with admin admins assign it',
  },
  STORE_OUTAGE_SECONDS: {
    schema: wholeNumber(0, 86_400),
    default: '300',
    description: 'time in seconds that a store may be unavailable before reading or checking an object fails',
  },
  PRIVATE_DESTINATIONS: {
    schema: oneOf(['allow', 'forbid']),
    default: 'allow',
    description: 'whether destinations may be in private networks and on this machine: allow or forbid',
  },
  AMBIENT_CREDENTIALS: {
    schema: listOf(
      oneOf(s3CredentialSources),
      `must be of ${s3CredentialSources.join(', ')}, with commas between them`,
    ),
    description:
      'where S3 destinations may have the manager take credentials of its own from, which everybody who may create destinations ' +
      'can use then: environment, instanceProfile, webIdentity, separated by commas',
  },
  UNDECLARED_ITEMS: {
    schema: oneOf(['allow', 'forbid']),
    default: 'allow',
    description:
      'whether service instances that have not declared their items, and share their database server with no other, may back up and restore any item: allow or forbid',
  },
  RECOVERY_RECIPIENTS: {
    schema: z
      .string()
      .refine(isAgeRecipientList, 'must be age recipients (age1…), with commas between them')
      .transform(ageKeys),
    description:
      'age recipients, separated by commas, that can decrypt every encrypted backup in addition to those of its plan',
  },
} as const

const agents = {
  AGENT_CA_FILE: {
    schema: absolutePath,
    description: 'PEM file of CAs that certificates of agents may be signed by, in addition to those of the system',
  },
  AGENT_CERTIFICATE_FILE: {
    schema: absolutePath,
    description: 'PEM file of the certificate that the manager presents to agents with tls_client_ca_file',
  },
  AGENT_KEY_FILE: { schema: absolutePath, description: 'PEM file of the private key of that certificate' },
  AGENT_CERTIFICATE_DAYS: {
    schema: wholeNumber(1, 825),
    default: '90',
    description: 'time in days that the certificates of enrolled agents are valid; agents renew them by themselves',
  },
  ENROLMENT_TOKEN_MINUTES: {
    schema: wholeNumber(1, 10_080),
    default: '60',
    description: 'time in minutes in which an agent can use the token that it enrols with',
  },
} as const

const legacy = {
  LEGACY_AGENT_URL: {
    schema: agentUrl,
    default: 'http://{backupHostIp}:8000',
    description: 'URL of the agent of an instance that `import`, `recover` or LEGACY_REGISTRATION_NETWORKS registers',
  },
  LEGACY_AGENT_USERNAME: { schema: text, description: 'user name at those agents' },
  LEGACY_AGENT_PASSWORD: { schema: text, description: 'password at those agents' },
  LEGACY_REGISTRATION_NETWORKS: {
    schema: listOf(network, 'must be addresses or networks such as 10.0.0.0/8, with commas between them'),
    description:
      'addresses or networks, separated by commas, whose hosts get LEGACY_AGENT_PASSWORD: a service instance that is not registered is, ' +
      'when an admin sends it with hosts in them over the paths of the former manager; not set: none is',
  },
} as const

const serviceBroker = {
  BROKER_CATALOG: {
    schema: absolutePath,
    defaultText: 'the plans daily and hourly',
    description:
      'absolute path of the JSON file with the catalog of the service broker at /v2; a changed file is used without a restart',
  },
  BROKER_DELETE_BACKUPS: {
    schema: oneOf(['allow', 'forbid']),
    default: 'allow',
    description:
      'whether platforms may delete single backups by the extension of the service broker: allow or forbid; DELETION_GRACE_HOURS applies',
  },
  PUBLIC_URL: {
    schema: httpAddress,
    defaultText: 'the address that a platform calls',
    description:
      'URL at which people and platforms reach the manager, in the credentials and dashboard URLs of the service broker',
  },
} as const

/** The settings of the manager but for those of an identity provider, which count only together. */
export const managerTable = {
  ...api,
  ...data,
  ...destinations,
  ...agents,
  ...serviceBroker,
  ...jobTable,
  ...scheduleTable,
  ...retentionTable,
  ...historyTable,
  ...legacy,
  ...monitoringTable,
}

/** All settings of the manager, for parsing, `--help` and the settings reference. */
export const managerSettingsSections: readonly SettingsSection[] = [
  { title: 'API', table: api },
  { title: 'Data', table: data },
  { title: 'Destinations', table: destinations },
  { title: 'Agents', table: agents },
  { title: 'Service broker', table: serviceBroker },
  { title: 'Jobs', table: jobTable },
  { title: 'Schedule', table: scheduleTable },
  { title: 'Retention', table: retentionTable },
  { title: 'Monitoring', table: monitoringTable },
  { title: 'History', table: historyTable },
  { title: 'Import and recovery', table: legacy },
  { title: 'Identity provider', table: oidcTable },
  { title: 'CredHub', table: credHubTable },
]
