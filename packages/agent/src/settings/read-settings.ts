import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compressionLevels, isCompressionLevel } from '@osb-backup/core'
import type { Compressor } from '../jobs/job-request.ts'
import { type AgentSettings, SettingsError, type TransferSettings } from './agent-settings.ts'
import { type Name, type Value, variables } from './variables.ts'

type Environment = Readonly<Record<string, string | undefined>>
type Read = <N extends Name>(name: N) => Value<N>

/**
 * Reads the settings of an agent.
 *
 * @param environment - Usually `process.env`. An empty variable counts as not set. Names in
 *   capitals are also read in small letters, as other programs do.
 * @throws {SettingsError} For the first setting that is wrong or missing.
 */
export function readSettings(environment: Environment): AgentSettings {
  const read: Read = <N extends Name>(name: N) => {
    const result = variables[name][0].safeParse(environment[name] || environment[name.toLowerCase()] || undefined)
    if (result.success) return result.data as Value<N>
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
    transfers: readTransfers(read),
    logLevel: read('log_level'),
    scriptBase: {
      PATH: environment.PATH || '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: environment.HOME || '/',
      LANG: environment.LANG || 'C.UTF-8',
      TMPDIR: environment.TMPDIR || tmpdir(),
    },
  }
}

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

function readTransfers(read: Read): TransferSettings {
  const kibibytes = read('bandwidth_limit_kib_per_second')
  return {
    caFile: read('store_ca_file'),
    bandwidthBytesPerSecond: kibibytes && kibibytes * 1024,
    maximumParts: read('s3_maximum_parts'),
    compressor: readCompressor(read),
    recoveryRecipients: read('recovery_recipients'),
    transformsFiles: read('transform_files'),
    writesManifests: read('write_manifests'),
    proxy: { httpProxy: read('HTTP_PROXY'), httpsProxy: read('HTTPS_PROXY'), noProxy: read('NO_PROXY') },
  }
}

function readCompressor(read: Read): Compressor {
  const algorithm = read('compression_algorithm')
  const level = read('compression_level')
  if (level === undefined || isCompressionLevel(algorithm, level)) return { algorithm, level }
  const { minimum, maximum } = compressionLevels[algorithm]
  throw new SettingsError(`compression_level must be from ${minimum} to ${maximum} for ${algorithm}.`)
}
