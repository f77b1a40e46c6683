const words = (key: string) => key.split(/[\s,]+/).filter((word) => word !== '')

/** Whether a key is one or several age recipients, which are public, and nothing else. */
export function isAgeRecipientList(key: string): boolean {
  const found = words(key)
  return found.length > 0 && found.every((word) => /^age1[a-z0-9]{20,}$/.test(word))
}

/** Whether a key is one or several age identities (private keys), and nothing else. */
export function isAgeIdentityList(key: string): boolean {
  const found = words(key)
  return found.length > 0 && found.every((word) => /^AGE-SECRET-KEY-[A-Z0-9-]{20,}$/.test(word))
}

/** The single recipients or identities of a key, separated by blanks, commas or line breaks. */
export const ageKeys = words
