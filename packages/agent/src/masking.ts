/** What stands in the place of a secret. */
export const MASK = '***'

/** Below this length a secret is masked only where it stands alone: masking every "s" would eat the log. */
const SHORT = 4

const WORD_CHARACTER = /[\p{L}\p{N}_]/u

/** The ways a secret shows up in output: as it is, as `set -x` quotes it, in JSON, in a URL; and its single lines. */
function spellings(secret: string): string[] {
  const parts = secret.split(/[\s,]+/).filter((part) => part.length >= 8)
  const wellFormed = secret.toWellFormed()
  return [
    secret,
    ...parts,
    secret.replaceAll("'", "'\\''"),
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(wellFormed),
    Buffer.from(wellFormed).toString('base64'),
  ]
}

/** A secret, in one of its spellings, found in text. */
interface Found {
  index: number
  length: number
}

/**
 * Replaces the secrets of a job wherever they appear in text. By plain search, which takes secrets of any size and number:
 * a regular expression of them all has a limit, and says the secrets when it reaches it.
 */
export class SecretMask {
  /** Longest first, so that of two that begin together the longer one is masked. */
  readonly #spellings: readonly string[]
  /** Length of the longest text that is masked. */
  readonly longest: number

  /** @param secrets - Texts that must not show; undefined and empty ones are left out. */
  constructor(secrets: Iterable<string | undefined>) {
    const found = new Set<string>()
    for (const secret of secrets) {
      if (secret) for (const spelling of spellings(secret)) if (spelling !== '') found.add(spelling)
    }
    this.#spellings = [...found].toSorted((a, b) => b.length - a.length)
    this.longest = this.#spellings[0]?.length ?? 0
  }

  /** The text without the secrets. */
  mask(text: string): string {
    return this.maskUntil(text, text.length).masked
  }

  /**
   * Masks the secrets that begin in the first part of a text, and says where the rest begins: what a stream can
   * give out while more may follow.
   *
   * @param safe - Secrets beginning at or after this index are left alone.
   */
  maskUntil(text: string, safe: number): { masked: string; rest: string } {
    let from = 0
    let masked = ''
    for (const { index, length } of this.#findAll(text)) {
      if (index >= safe) break
      masked += text.slice(from, index) + MASK
      from = index + length
    }
    const end = Math.max(from, safe)
    return { masked: masked + text.slice(from, end), rest: text.slice(end) }
  }

  /** Every secret in the text, from left to right, none overlapping the one before. */
  *#findAll(text: string): Generator<Found> {
    const next = this.#spellings.map((spelling) => indexOfSecret(text, spelling, 0))
    for (let from = 0; ; ) {
      let first: Found | undefined
      for (const [at, spelling] of this.#spellings.entries()) {
        let index = next[at] ?? -1
        if (index !== -1 && index < from) {
          index = indexOfSecret(text, spelling, from)
          next[at] = index
        }
        if (index !== -1 && (first === undefined || index < first.index)) first = { index, length: spelling.length }
      }
      if (first === undefined) return
      yield first
      from = first.index + first.length
    }
  }
}

/** Where a secret is next, from an index on; a short one only where it stands alone. */
function indexOfSecret(text: string, secret: string, from: number): number {
  for (let index = text.indexOf(secret, from); index !== -1; index = text.indexOf(secret, index + 1)) {
    if (secret.length >= SHORT) return index
    const before = text[index - 1] ?? ' '
    const after = text[index + secret.length] ?? ' '
    if (!WORD_CHARACTER.test(before) && !WORD_CHARACTER.test(after)) return index
  }
  return -1
}

/** Masks text that comes in pieces, secrets that are cut by a piece's end included. */
export class StreamMask {
  readonly #mask: SecretMask
  #held = ''

  constructor(mask: SecretMask) {
    this.#mask = mask
  }

  /** Takes the next piece; returns what can be shown already. */
  push(piece: string): string {
    const text = this.#held + piece
    const { masked, rest } = this.#mask.maskUntil(text, Math.max(0, text.length - this.#mask.longest - 1))
    this.#held = rest
    return masked
  }

  /** The end was reached: returns what was held back. */
  flush(): string {
    const rest = this.#mask.mask(this.#held)
    this.#held = ''
    return rest
  }
}
