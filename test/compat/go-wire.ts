/**
 * The answers of the Go agent (evoila/osb-backup-agent, branches develop and master), byte for byte. Source of the facts: the
 * structs and their tags in `httpBodies/httpBodies.go`, the encoder of Go (`encoding/json`: fields in the order of the
 * struct, `<`, `>` and `&` escaped, a newline at the end), and answers of both branches that were recorded.
 */

/** develop reports where and how it stores; master does not. */
export type GoBranch = 'develop' | 'master'

/** A job of the Go agent, with the zero values of Go until something is known. */
export interface GoJob {
  status: string
  message: string
  state: string
  error_message: string
  type: string
  compression: boolean
  skip_storage: boolean
  skipSSL: boolean
  region: string
  endpoint: string
  bucket: string
  authUrl: string
  domain: string
  container_name: string
  project_name: string
  filename: string
  filenamePrefix: string
  filesize: { size: number; unit: string }
  start_time: string
  end_time: string
  execution_time_ms: number
  logs: Record<string, string>
}

export const stages = {
  backup: ['pre-backup-lock', 'pre-backup-check', 'backup', 'backup-cleanup', 'post-backup-unlock'],
  restore: ['pre-restore-lock', 'restore', 'restore-cleanup', 'post-restore-unlock'],
} as const
export type Kind = keyof typeof stages

export const zeroJob = (status: string): GoJob => ({
  status,
  message: '',
  state: '',
  error_message: '',
  type: '',
  compression: false,
  skip_storage: false,
  skipSSL: false,
  region: '',
  endpoint: '',
  bucket: '',
  authUrl: '',
  domain: '',
  container_name: '',
  project_name: '',
  filename: '',
  filenamePrefix: '',
  filesize: { size: 0, unit: '' },
  start_time: '',
  end_time: '',
  execution_time_ms: 0,
  logs: {},
})

/** What the Go agent answers about a job. */
export function encodeJob(kind: Kind, branch: GoBranch, job: GoJob): string {
  const isBackup = kind === 'backup'
  const isDevelop = branch === 'develop'
  const omitEmpty = (name: keyof GoJob) => (job[name] === '' ? {} : { [name]: job[name] })
  const logs = stages[kind].flatMap((stage) =>
    (['log', 'errorlog'] as const).map((stream) => {
      const field = `${stage.replaceAll('-', '_')}_${stream}`
      return [field, job.logs[field] ?? '']
    }),
  )
  return encodeGo({
    status: job.status,
    message: job.message,
    state: job.state,
    ...omitEmpty('error_message'),
    type: job.type,
    compression: job.compression,
    ...(isDevelop && isBackup ? { skip_storage: job.skip_storage, skipSSL: job.skipSSL } : {}),
    ...(isDevelop && !isBackup ? { skipSSL: job.skipSSL, skip_storage: job.skip_storage } : {}),
    ...(isBackup
      ? {
          ...omitEmpty('region'),
          ...(isDevelop ? omitEmpty('endpoint') : {}),
          ...omitEmpty('bucket'),
          ...omitEmpty('authUrl'),
          ...omitEmpty('domain'),
          ...omitEmpty('container_name'),
          ...omitEmpty('project_name'),
          filename: job.filename,
          ...(isDevelop ? { filenamePrefix: job.filenamePrefix } : {}),
          filesize: job.filesize,
        }
      : {}),
    start_time: job.start_time,
    end_time: job.end_time,
    execution_time_ms: job.execution_time_ms,
    ...Object.fromEntries(logs),
  })
}

/** As `json.NewEncoder(w).Encode(value)` writes it. */
export function encodeGo(value: unknown): string {
  const escapes: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' }
  const text = JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, (found) => {
    return escapes[found] ?? `\\u${found.charCodeAt(0).toString(16)}`
  })
  return `${text}\n`
}

/** Fields that a request lacks, as the Go agent names them. */
export function missingFields(kind: Kind, branch: GoBranch, body: Record<string, unknown>): string {
  const destination = (body.destination ?? {}) as Record<string, unknown>
  const database = (body[kind] ?? {}) as Record<string, unknown>
  const absent = (from: Record<string, unknown>, names: string[]) => names.filter((name) => !from[name]).join(' ')
  const s3 = [
    ...['authKey', 'authSecret', 'bucket'],
    ...(branch === 'master' ? ['region'] : []),
    ...(kind === 'restore' ? ['filename'] : []),
    ...(branch === 'develop' ? ['filenamePrefix'] : []),
  ]
  const swift = ['authUrl', 'domain', 'container_name', 'project_name', 'username', 'password']
  const inDestination = absent(destination, destination.type === 'S3' ? s3 : swift)
  const inDatabase = absent(database, ['database', 'host', 'password', 'username'])
  return [
    body.encryption_key ? '' : ' encryption_key',
    inDestination === '' ? '' : ` destination( ${inDestination})`,
    inDatabase === '' ? '' : ` ${kind}( ${inDatabase})`,
  ].join('')
}

/** `timeutil.GetTimestamp`. */
export const goTimestamp = (at: Date): string => `${at.toISOString().slice(0, 19)}+00:00`

/** `GetBackupFilename`. */
export function goFilename(at: Date, host: string, database: string): string {
  return `${at.toISOString().slice(0, 16).replaceAll(/[-T:]/g, '_')}_${host}_${database}`
}
