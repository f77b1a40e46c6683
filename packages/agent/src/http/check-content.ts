import {
  compressionLevels,
  err,
  isAgeIdentityList,
  isAgeRecipientList,
  isCompressionLevel,
  ok,
  type Result,
  type RunKind,
  transformsOfName,
} from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import { type AgentDestination, NO_KEY } from '@osb-backup/protocol'
import type { Compressor, JobRequest } from '../jobs/job-request.ts'
import type { TransferSettings } from '../settings/agent-settings.ts'
import type { RequestBody } from './read-body.ts'
import { componentProblem, valueProblem } from './safe-text.ts'

/** How an object's content is transformed, and what it must be. */
export type Content = Pick<JobRequest, 'compress' | 'compressor' | 'encryptionKey' | 'recoveryRecipients' | 'source'>

/** The context of the check. */
export interface ContentContext {
  form: 1 | 2
  transfers: TransferSettings
}

/** Validates how a dump is compressed and encrypted, and for a restore what the object must be. */
export function checkContent(kind: RunKind, body: RequestBody, context: ContentContext): Result<Content> {
  const encryptionKey = body.encryption_key ?? NO_KEY
  const source = kind === 'restore' ? sourceOf(body.destination ?? { type: '' }) : undefined
  const problem =
    (source === undefined ? undefined : sourceProblem(source)) ??
    valueProblem('encryption_key', encryptionKey) ??
    keyProblem(encryptionKey, source, context)
  if (problem !== undefined) return err(problem)
  const compressor = compressorOf(body, context.transfers)
  if (!compressor.ok) return compressor
  const ofRequest = body.recovery_recipients ?? []
  if (!ofRequest.every(isAgeRecipientList)) return err('recovery_recipients must be age recipients (age1…)')
  return ok({
    compress: body.compression ?? false,
    compressor: compressor.value,
    encryptionKey,
    recoveryRecipients: [...context.transfers.recoveryRecipients, ...ofRequest],
    ...(source && { source }),
  })
}

/**
 * The compressor of the request, else the one of the settings. The level in the settings belongs to the algorithm
 * there.
 */
function compressorOf(body: RequestBody, { compressor: set }: TransferSettings): Result<Compressor> {
  const { compression_algorithm: algorithm = set.algorithm, compression_level: level } = body
  if (level !== undefined && !isCompressionLevel(algorithm, level)) {
    const { minimum, maximum } = compressionLevels[algorithm]
    return err(`compression_level must be a whole number from ${minimum} to ${maximum} for ${algorithm}`)
  }
  return ok(omitUndefined({ algorithm, level: level ?? (algorithm === set.algorithm ? set.level : undefined) }))
}

type Source = NonNullable<JobRequest['source']>

function sourceOf({ filename = '', size, sha256, root, transforms }: AgentDestination): Source {
  const digests = { sha256: sha256?.toLowerCase() || undefined, root: root?.toLowerCase() || undefined }
  return omitUndefined({ filename, transforms, sizeBytes: size, ...digests })
}

function sourceProblem({ filename, sizeBytes, sha256, root }: Source): string | undefined {
  const name = componentProblem('destination.filename', filename)
  if (name !== undefined) return name
  if (sizeBytes !== undefined && !(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0)) {
    return 'destination.size must be a whole number of bytes'
  }
  const wrong = Object.entries({ sha256, root }).find(([, digest]) => !/^[0-9a-f]{64}$/.test(digest ?? '0'.repeat(64)))
  return wrong && `destination.${wrong[0]} must be 64 hexadecimal digits`
}

/**
 * If the agent encrypts, the key must be valid: the agent never falls back to plain text. Whether a file of form 1 must
 * be decrypted is known only from its manifest, which is read at the download.
 */
function keyProblem(key: string, source: Source | undefined, { form, transfers }: ContentContext): string | undefined {
  if (source !== undefined) {
    const { filename, transforms } = source
    const { encrypted } = transforms ?? (form === 2 ? transformsOfName(filename) : { encrypted: false })
    return encrypted && !isAgeIdentityList(key)
      ? `encryption_key must be age identities (AGE-SECRET-KEY-1…): ${filename} is encrypted`
      : undefined
  }
  if (form === 1 && !transfers.transformsFiles) return undefined
  return key === NO_KEY || isAgeRecipientList(key)
    ? undefined
    : 'encryption_key must be "none" or age recipients (age1…): here the agent encrypts, and not the scripts'
}
