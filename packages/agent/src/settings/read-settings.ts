import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compressionLevels, isCompressionLevel } from '@osb-backup/core'
import {
  type Environment,
  errorCode,
  errorMessage,
  omitUndefined,
  type ParsedSettings,
  parseSettings,
  SettingsError,
} from '@osb-backup/node'
import type { Compressor } from '../jobs/job-request.ts'
import type { AgentSettings, TransferSettings } from './agent-settings.ts'
import { agentSettingsTable } from './agent-settings-table.ts'

type Parsed = ParsedSettings<typeof agentSettingsTable>

const DEFAULT_SCRIPTS_PATH = '/var/vcap/jobs/backup-agent/backup'

/**
 * Reads the settings of an agent.
 *
 * @param environment - Usually `process.env`. An empty variable counts as not set.
 * @throws {SettingsError} For the first setting that is wrong or missing.
 */
export function readSettings(environment: Environment): AgentSettings {
  const parsed = parseSettings(agentSettingsTable, environment)
  const credentials = credentialsOf(parsed)
  const tls = tlsOf(parsed)
  const enrolment = enrolmentOf(parsed)
  const root = parsed.file_destination_root
  return {
    ...(credentials === undefined ? {} : { credentials }),
    host: parsed.client_host,
    port: parsed.client_port,
    backupDirectory: parsed.directory_backup,
    restoreDirectory: parsed.directory_restore,
    scriptsPath: parsed.scripts_path ?? DEFAULT_SCRIPTS_PATH,
    mustHaveScripts: parsed.scripts_path !== undefined,
    ...(parsed.packs_path === undefined ? {} : { packsPath: parsed.packs_path }),
    ...(parsed.script_user === undefined ? {} : { scriptUser: parsed.script_user }),
    allowedParameters: new Set(parsed.allowed_parameters),
    mayDeleteFiles: parsed.allowed_to_delete_files,
    ...(parsed.allowed_databases === undefined ? {} : { allowedDatabases: parsed.allowed_databases }),
    maxJobs: parsed.max_job_number,
    reservedRestores: parsed.reserved_restore_number,
    stageTimeLimitMs: parsed.stage_timeout_seconds * 1000,
    killGraceMs: parsed.stage_kill_grace_seconds * 1000,
    unlockWaitMs: parsed.unlock_wait_seconds * 1000,
    minFreeDiskBytes: parsed.min_free_disk_mib * 1024 * 1024,
    stateDirectory: parsed.state_directory ?? join(parsed.directory_backup, '.state'),
    shutdownGraceMs: parsed.shutdown_grace_seconds * 1000,
    retention: { maxAgeMs: parsed.job_retention_hours * 3_600_000, maxNumber: parsed.job_retention_number },
    plainHttp: parsed.plain_http,
    ...(tls === undefined ? {} : { tls }),
    ...(enrolment === undefined ? {} : { enrolment }),
    ...(root === undefined ? {} : { fileDestinationRoot: root }),
    skipStorage: parsed.skip_storage,
    destinationDefaults:
      parsed.default_s3_endpoint === undefined ? {} : { S3: { endpoint: parsed.default_s3_endpoint } },
    transfers: transfersOf(parsed),
    logLevel: parsed.log_level,
    ...(parsed.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
      ? {}
      : { tracing: { sampleRatio: parsed.OTEL_TRACES_SAMPLER_ARG } }),
    scriptBase: {
      PATH: environment.PATH || '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: environment.HOME || '/',
      LANG: environment.LANG || 'C.UTF-8',
      TMPDIR: environment.TMPDIR || tmpdir(),
    },
  }
}

function credentialsOf(parsed: Parsed): AgentSettings['credentials'] {
  const { client_username: username, client_password: password } = parsed
  if (username !== undefined && password !== undefined) return { username, password }
  if (parsed.allow_without_credentials && username === undefined && password === undefined) return undefined
  const missing = username === undefined ? 'client_username' : 'client_password'
  throw new SettingsError(`${missing} must be set: callers authenticate with it.`)
}

function tlsOf(parsed: Parsed): AgentSettings['tls'] {
  const { tls_certificate_file: certificateFile, tls_key_file: keyFile, tls_client_ca_file: clientCaFile } = parsed
  if (certificateFile === undefined && keyFile === undefined) {
    if (clientCaFile === undefined) return undefined
    throw new SettingsError('tls_client_ca_file needs tls_certificate_file and tls_key_file.')
  }
  if (certificateFile === undefined) throw new SettingsError('tls_certificate_file must be set with tls_key_file.')
  if (keyFile === undefined) throw new SettingsError('tls_key_file must be set with tls_certificate_file.')
  return { certificateFile, keyFile, ...(clientCaFile === undefined ? {} : { clientCaFile }) }
}

function enrolmentOf(parsed: Parsed): AgentSettings['enrolment'] {
  const { enrolment_url: url, enrolment_token: token, enrolment_token_file: tokenFile } = parsed
  const { enrolment_fingerprint: fingerprint, enrolment_ca_file: caFile } = parsed
  if (url === undefined) {
    if (token === undefined && tokenFile === undefined && fingerprint === undefined && caFile === undefined) {
      return undefined
    }
    throw new SettingsError('enrolment_url must be set with the other settings of the enrolment.')
  }
  if (fingerprint === undefined) throw new SettingsError('enrolment_fingerprint must be set with enrolment_url.')
  if (parsed.tls_certificate_file !== undefined || parsed.tls_key_file !== undefined) {
    throw new SettingsError('enrolment_url and tls_certificate_file exclude each other: set one of them.')
  }
  if (token !== undefined && tokenFile !== undefined) {
    throw new SettingsError('enrolment_token and enrolment_token_file exclude each other: set one of them.')
  }
  const renewalPercent = parsed.enrolment_renewal_percent
  return omitUndefined({ url, token: token ?? readToken(tokenFile), fingerprint, caFile, renewalPercent })
}

/** The file may be removed once the agent was enrolled. */
function readToken(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw new SettingsError(`enrolment_token_file cannot be read: ${errorMessage(error)}.`)
  }
}

function transfersOf(parsed: Parsed): TransferSettings {
  const kibibytes = parsed.bandwidth_limit_kib_per_second
  return omitUndefined({
    caFile: parsed.store_ca_file,
    credentialSources: parsed.ambient_credentials ?? [],
    privateDestinations: parsed.private_destinations,
    bandwidthBytesPerSecond: kibibytes && kibibytes * 1024,
    maximumParts: parsed.s3_maximum_parts,
    compressor: compressorOf(parsed),
    recoveryRecipients: parsed.recovery_recipients ?? [],
    outageMs: parsed.store_outage_seconds * 1000,
    idleTimeoutMs: parsed.store_timeout_seconds * 1000,
    transformsFiles: parsed.transform_files,
    writesManifests: parsed.write_manifests,
    proxy: omitUndefined({
      httpProxy: parsed.HTTP_PROXY,
      httpsProxy: parsed.HTTPS_PROXY,
      noProxy: parsed.NO_PROXY,
    }),
  })
}

function compressorOf({ compression_algorithm: algorithm, compression_level: level }: Parsed): Compressor {
  if (level === undefined || isCompressionLevel(algorithm, level)) return omitUndefined({ algorithm, level })
  const { minimum, maximum } = compressionLevels[algorithm]
  throw new SettingsError(`compression_level must be from ${minimum} to ${maximum} for ${algorithm}.`)
}
