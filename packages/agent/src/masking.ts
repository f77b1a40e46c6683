/** What stands in the place of a secret. */
export const MASK = '***'

/** Below this length a secret is masked only where it stands alone: masking every "s" would eat the log. */
const SHORT = 4

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
const alone = (pattern: string) => `(?<![\\p{L}\\p{N}_])${pattern}(?![\\p{L}\\p{N}_])`

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

/** Replaces the secrets of a job wherever they appear in text. */
export class SecretMask {
  readonly #pattern: RegExp | undefined
  /** Length of the longest text that is masked. */
  readonly longest: number

  /** @param secrets - Texts that must not show; undefined and empty ones are left out. */
  constructor(secrets: Iterable<string | undefined>) {
    const found = new Set<string>()
    for (const secret of secrets) if (secret) for (const spelling of spellings(secret)) found.add(spelling)
    const all = [...found].toSorted((a, b) => b.length - a.length)
    this.longest = all[0]?.length ?? 0
    const patterns = all.map((each) => (each.length < SHORT ? alone(escaped(each)) : escaped(each)))
    this.#pattern = patterns.length > 0 ? new RegExp(patterns.join('|'), 'gu') : undefined
  }

  /** The text without the secrets. */
  mask(text: string): string {
    return this.#pattern === undefined ? text : text.replace(this.#pattern, MASK)
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
    for (const match of this.#pattern === undefined ? [] : text.matchAll(this.#pattern)) {
      if (match.index >= safe) break
      masked += text.slice(from, match.index) + MASK
      from = match.index + match[0].length
    }
    const end = Math.max(from, safe)
    return { masked: masked + text.slice(from, end), rest: text.slice(end) }
  }
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
