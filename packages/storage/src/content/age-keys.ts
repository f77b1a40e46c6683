import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'

/** A pair of age keys (X25519). */
export interface AgeKeys {
  /** Public: the identity decrypts what is encrypted to it. `age1…` */
  recipient: string
  /** Secret. `AGE-SECRET-KEY-1…` */
  identity: string
}

/** Generates a pair. */
export async function generateAgeKeys(): Promise<AgeKeys> {
  const identity = await generateX25519Identity()
  return { identity, recipient: await identityToRecipient(identity) }
}

/** Whether a text is one recipient that can be encrypted to; its checksum is verified. */
export function isAgeRecipient(text: string): boolean {
  try {
    new Encrypter().addRecipient(text)
    return true
  } catch {
    // An invalid key is the answer, not a failure.
    return false
  }
}
