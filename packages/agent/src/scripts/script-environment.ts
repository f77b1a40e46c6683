import { parameterVariable, type Stage } from '@osb-backup/protocol'
import type { JobRequest } from '../jobs/job-request.ts'
import type { MessageFiles } from './script-messages.ts'

/** How a dump is described to scripts. */
export interface DescribedDump {
  /** Backup: the dump's name without its type. Restore: the file's name. */
  filename: string
  /** Whether the scripts compress, and with which key they encrypt: differs from the request if the agent does that. */
  compress: boolean
  encryptionKey: string
}

/**
 * The whole environment of a script; of the agent's own environment it contains only `base`. Form 1 gets the parameters
 * under their own names, which cannot override the agent's; form 2 gets them as `BACKUP_PARAMETER_<NAME>`, and no
 * encryption key, since the agent encrypts.
 */
export function scriptEnvironment(
  stage: Stage,
  form: 1 | 2,
  request: Pick<JobRequest, 'id' | 'database' | 'parameters'>,
  dump: DescribedDump & { directory: string; messages: MessageFiles },
  base: Readonly<Record<string, string>>,
): Record<string, string> {
  const { database } = request
  const { warnings, metadata } = dump.messages
  const named = request.parameters.map(({ name, value }) => [form === 1 ? name : parameterVariable(name), value])
  return {
    // First, so that none overrides what the agent sets.
    ...Object.fromEntries(named),
    ...base,
    BACKUP_STAGE: stage,
    BACKUP_JOB_ID: request.id,
    BACKUP_HOST: database.host,
    ...(database.port === undefined ? {} : { BACKUP_PORT: String(database.port) }),
    BACKUP_USERNAME: database.username,
    BACKUP_PASSWORD: database.password,
    ...(database.backupUsername === undefined ? {} : { BACKUP_BACKUP_USERNAME: database.backupUsername }),
    ...(database.backupPassword === undefined ? {} : { BACKUP_BACKUP_PASSWORD: database.backupPassword }),
    BACKUP_DATABASE: database.name,
    BACKUP_DIRECTORY: dump.directory,
    BACKUP_WARNINGS: warnings,
    BACKUP_METADATA: metadata,
    BACKUP_FILENAME: dump.filename,
    BACKUP_COMPRESSION: String(dump.compress),
    ...(form === 1 ? { BACKUP_ENCRYPTION_KEY: dump.encryptionKey } : {}),
  }
}

/**
 * The published arguments of a script of form 1, in their order. Form 2 has none: arguments are visible to every user.
 */
export function scriptArguments(
  stage: Stage,
  request: JobRequest,
  { filename, compress, encryptionKey }: DescribedDump,
): string[] {
  const { host, username, password, name } = request.database
  switch (stage) {
    case 'pre-backup-lock':
    case 'pre-backup-check':
    case 'post-backup-unlock':
      return [name]
    case 'backup':
    case 'restore':
      return [host, username, password, name, filename, request.id, String(compress), encryptionKey]
    case 'backup-cleanup':
      return [name, request.id]
    case 'pre-restore-lock':
    case 'restore-cleanup':
      return [request.id]
    case 'post-restore-unlock':
    case 'verify':
    case 'check':
    case 'drill-cleanup':
    case 'list-items':
    case 'elect':
      return []
  }
}
