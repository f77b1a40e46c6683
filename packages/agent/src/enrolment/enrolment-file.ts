import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, errorMessage, SettingsError, writeFileAtomically } from '@osb-backup/node'
import { z } from 'zod'

/** What the agent keeps of its enrolment. The private keys were generated here, and never leave the machine. */
const enrolmentFileSchema = z.object({
  /** The certificate that is presented; key and certificates in PEM. */
  current: z
    .object({ agentId: z.string(), key: z.string(), certificate: z.string(), caCertificate: z.string() })
    .optional(),
  /** SHA-256 of the token that `current` was issued for. */
  tokenDigest: z.string().optional(),
  /** The key of a request whose answer has not arrived yet, and the digest of its token. */
  pending: z.object({ key: z.string(), tokenDigest: z.string() }).optional(),
})
export type EnrolmentFile = z.infer<typeof enrolmentFileSchema>
export type CurrentCertificate = NonNullable<EnrolmentFile['current']>

const pathIn = (stateDirectory: string): string => join(stateDirectory, 'enrolment.json')

/**
 * Reads the file.
 *
 * @throws {SettingsError} If it cannot be used.
 */
export async function readEnrolmentFile(stateDirectory: string): Promise<EnrolmentFile> {
  const path = pathIn(stateDirectory)
  try {
    return enrolmentFileSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {}
    // The content is secret, and parsers quote it.
    const reason = errorCode(error) === undefined ? 'its content is invalid' : errorMessage(error)
    throw new SettingsError(`${path} cannot be read: ${reason}. Remove it, and enrol the agent with a new token.`)
  }
}

/** Replaces the file. Only the agent's account can read it. */
export async function writeEnrolmentFile(stateDirectory: string, content: EnrolmentFile): Promise<void> {
  await writeFileAtomically(pathIn(stateDirectory), JSON.stringify(content), { mode: 0o600 })
}
