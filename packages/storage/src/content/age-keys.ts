import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'

/** A pair of age keys (X25519). */
export interface AgeKeys {
  /** Public: what is encrypted to it opens with the identity. `age1…` */
  recipient: string
  /** Secret. `AGE-SECRET-KEY-1…` */
  identity: string
}

/** Makes a pair from fresh randomness. */
export async function generateAgeKeys(): Promise<AgeKeys> {
  const identity = await generateX25519Identity()
  return { identity, recipient: await identityToRecipient(identity) }
}

/** Whether a text is one recipient that can be encrypted to; its checksum is looked at. */
export function isAgeRecipient(text: string): boolean {
  try {
    new Encrypter().addRecipient(text)
    return true
  } catch {
    // The caller wants to know just that.
    return false
  }
}
