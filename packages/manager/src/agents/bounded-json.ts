/** Bytes that are kept of a text at its beginning, and at its end; there and where it comes in pieces up to twice as many. */
const KEPT_BYTES = 32 * 1024
const CUT = Buffer.from('\\n… cut by the manager …\\n')

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Shortens the long texts of a JSON document while it is received, so that the output of a script, however much there is, takes no
 * memory: the beginning and the end of each are kept. Everything else stays as it is.
 */
export class TextShortener {
  /** What was kept so far, except of the text that is being received. */
  readonly #kept: Buffer[] = []
  #keptBytes = 0
  #isInText = false
  /** Bytes of an escape sequence that are still to come: a text is cut between characters alone. */
  #pendingBytes = 0
  #mayBeUnicodeEscape = false
  #head: Buffer[] = []
  #headBytes = 0
  #isHeadFull = false
  /** The end of the text so far, in two halves: when the newer one is full it replaces the older one. */
  #older: Buffer[] = []
  #newer: Buffer[] = []
  #newerBytes = 0
  #isCut = false

  /** How many bytes are kept. */
  get sizeBytes(): number {
    return this.#keptBytes
  }

  /** Adds the next bytes of the document. */
  write(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) at = this.#isInText ? this.#readText(chunk, at) : this.#readStructure(chunk, at)
  }

  /** The shortened document. */
  toString(): string {
    return Buffer.concat(this.#kept).toString('utf8')
  }

  #readStructure(chunk: Buffer, from: number): number {
    const quote = chunk.indexOf(QUOTE, from)
    const end = quote === -1 ? chunk.length : quote + 1
    this.#keep(chunk.subarray(from, end))
    this.#isInText = quote !== -1
    return end
  }

  /** Reads a part of a text, no longer than half of what is kept. */
  #readText(chunk: Buffer, from: number): number {
    const isBoundary = this.#isBoundary(chunk, from)
    if (isBoundary) this.#turn()
    // As little as possible, if the next boundary is to be cut at.
    const end = isBoundary || !this.#isTurnDue ? Math.min(chunk.length, from + KEPT_BYTES) : from + 1
    let at = from
    while (at < end || (at < chunk.length && !this.#isBoundary(chunk, at))) {
      if (this.#pendingBytes > 0) {
        this.#continueEscape(chunk[at] as number)
        at += 1
        continue
      }
      at = endOfPlain(chunk, at, end)
      if (chunk[at] === QUOTE) {
        this.#add(chunk.subarray(from, at))
        this.#endText()
        return at + 1
      }
      if (at >= end) {
        while (at < chunk.length && !this.#isBoundary(chunk, at)) at += 1
        break
      }
      this.#pendingBytes = 1
      this.#mayBeUnicodeEscape = true
      at += 1
    }
    this.#add(chunk.subarray(from, at))
    return at
  }

  /** After the backslash comes one character, and after `u` four digits more. */
  #continueEscape(byte: number): void {
    this.#pendingBytes += this.#mayBeUnicodeEscape && byte === 0x75 ? 3 : -1
    this.#mayBeUnicodeEscape = false
  }

  /** Whether the text may be cut before this byte: neither within an escape sequence nor within a character. */
  #isBoundary(chunk: Buffer, at: number): boolean {
    const next = chunk[at]
    return this.#pendingBytes === 0 && next !== undefined && (next & 0xc0) !== 0x80
  }

  #add(part: Buffer): void {
    if (!this.#isHeadFull) {
      this.#head.push(Buffer.from(part))
      this.#headBytes += part.length
    } else {
      this.#newer.push(Buffer.from(part))
      this.#newerBytes += part.length
    }
  }

  get #isTurnDue(): boolean {
    return (this.#isHeadFull ? this.#newerBytes : this.#headBytes) >= KEPT_BYTES
  }

  /** Drops what is neither at the beginning nor at the end. */
  #turn(): void {
    if (!this.#isTurnDue) return
    if (!this.#isHeadFull) {
      this.#isHeadFull = true
      return
    }
    this.#isCut ||= this.#older.length > 0
    this.#older = this.#newer
    this.#newer = []
    this.#newerBytes = 0
  }

  #endText(): void {
    for (const part of [...this.#head, ...(this.#isCut ? [CUT] : []), ...this.#older, ...this.#newer]) this.#keep(part)
    this.#keep(Buffer.from('"'))
    this.#isInText = false
    this.#isCut = false
    this.#head = []
    this.#older = []
    this.#newer = []
    this.#headBytes = 0
    this.#isHeadFull = false
    this.#newerBytes = 0
  }

  #keep(part: Buffer): void {
    this.#kept.push(Buffer.from(part))
    this.#keptBytes += part.length
  }
}

/** Where the bytes that mean themselves end. */
function endOfPlain(chunk: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && chunk[at] !== QUOTE && chunk[at] !== BACKSLASH) at += 1
  return at
}
