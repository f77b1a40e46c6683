/** Replaces a secret. */
export const MASK = '***'

/** A secret below this length is masked only as a whole word: masking every "s" would make a log unreadable. */
const SHORT = 4

const WORD_CHARACTER = /[\p{L}\p{N}_]/u

/**
 * The forms of a secret in output: verbatim, as quoted by `set -x`, in JSON, in a URL, in base64; and its single words
 * and lines.
 */
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

/** An occurrence of a secret in a text. */
interface Found {
  index: number
  length: number
}

/**
 * Replaces the secrets of a job in texts. It uses plain search, which supports secrets of any size and number: a
 * regular expression of all of them has a size limit, and its error would quote them.
 */
export class SecretMask {
  /** Longest first, so that of two at the same index the longer one is masked. */
  readonly #spellings: readonly string[]
  /** Length of the longest form of a secret. */
  readonly longest: number

  /** @param secrets - Texts that must not appear; undefined and empty ones are ignored. */
  constructor(secrets: Iterable<string | undefined>) {
    const found = new Set<string>()
    for (const secret of secrets) {
      if (secret) for (const spelling of spellings(secret)) if (spelling !== '') found.add(spelling)
    }
    this.#spellings = [...found].toSorted((a, b) => b.length - a.length)
    this.longest = this.#spellings[0]?.length ?? 0
  }

  /** Replaces all secrets in a text. */
  mask(text: string): string {
    return this.maskUntil(text, text.length).masked
  }

  /**
   * Masks the secrets that begin in the first part of a text, and returns the rest separately: a stream may deliver the
   * first part while more may follow.
   *
   * @param safe - Secrets that begin at or after this index are not masked.
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

  /** Finds all secrets in a text, from left to right, without overlaps. */
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

/** The next index of a secret; a short one must be a whole word. */
function indexOfSecret(text: string, secret: string, from: number): number {
  for (let index = text.indexOf(secret, from); index !== -1; index = text.indexOf(secret, index + 1)) {
    if (secret.length >= SHORT) return index
    const before = text[index - 1] ?? ' '
    const after = text[index + secret.length] ?? ' '
    if (!WORD_CHARACTER.test(before) && !WORD_CHARACTER.test(after)) return index
  }
  return -1
}

/** Masks text that arrives in chunks, including secrets that are split between chunks. */
export class StreamMask {
  readonly #mask: SecretMask
  #held = ''

  constructor(mask: SecretMask) {
    this.#mask = mask
  }

  /** Takes the next chunk; returns the text that can be shown already. */
  push(piece: string): string {
    const text = this.#held + piece
    const { masked, rest } = this.#mask.maskUntil(text, Math.max(0, text.length - this.#mask.longest - 1))
    this.#held = rest
    return masked
  }

  /** Returns the text that was held back; call once, at the end. */
  flush(): string {
    const rest = this.#mask.mask(this.#held)
    this.#held = ''
    return rest
  }
}
