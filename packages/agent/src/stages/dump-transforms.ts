import { ageKeys, isAgeRecipientList, type Transforms } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import { NO_KEY } from '@osb-backup/protocol'
import type { JobRequest } from '../jobs/job-request.ts'
import type { DescribedDump } from '../scripts/script-environment.ts'
import type { RunContext } from './run-context.ts'

/** How the agent transforms a dump before it is stored. */
export interface DumpTransforms extends Transforms {
  /** Absent: the algorithm's default. */
  level?: number
  /** age recipients that can decrypt it; empty if it is not encrypted. */
  recipients: string[]
}

/** Describes a dump to the scripts, without what the agent does to it. */
export function describeToScripts(
  filename: string,
  { kind, compress, encryptionKey }: JobRequest,
  by: Pick<RunContext, 'pack' | 'settings'>,
): DescribedDump {
  const isOurs = kind === 'backup' && by.pack.form === 1 && agentTransforms(by)
  return isOurs ? { filename, compress: false, encryptionKey: NO_KEY } : { filename, compress, encryptionKey }
}

const asItIs: DumpTransforms = { compression: 'none', encrypted: false, recipients: [] }

/** Whether the agent, and not the scripts, compresses and encrypts dumps. */
export const agentTransforms = ({ pack, settings }: Pick<RunContext, 'pack' | 'settings'>): boolean =>
  pack.form === 2 || settings.transfers.transformsFiles

/** Determines the transforms of a dump. Recovery recipients are added only if it is encrypted at all. */
export function dumpTransforms(run: Pick<RunContext, 'pack' | 'settings' | 'job'>): DumpTransforms {
  if (!agentTransforms(run)) return asItIs
  const { compress, compressor, encryptionKey, recoveryRecipients } = run.job.request
  const encrypted = isAgeRecipientList(encryptionKey)
  return {
    compression: compress ? compressor.algorithm : 'none',
    ...omitUndefined({ level: compressor.level }),
    encrypted,
    recipients: encrypted ? [...new Set([...ageKeys(encryptionKey), ...recoveryRecipients])] : [],
  }
}
