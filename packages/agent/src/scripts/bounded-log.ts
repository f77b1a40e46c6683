import { StringDecoder } from 'node:string_decoder'
import { type SecretMask, StreamMask } from '../masking.ts'

/** Characters that are kept of the beginning and of the end of a script's output. */
export const LOG_HEAD = 32 * 1024
export const LOG_TAIL = 32 * 1024

/**
 * Keeps the output of a script, bounded and without secrets: its head, its tail, and in between how much was cut. NUL
 * becomes U+FFFD, since no database stores it in text.
 */
export class BoundedLog {
  readonly #decoder = new StringDecoder('utf8')
  readonly #mask: StreamMask
  #head = ''
  #tail = ''
  #cut = 0

  constructor(mask: SecretMask) {
    this.#mask = new StreamMask(mask)
  }

  /** Appends output. */
  write(chunk: Buffer): void {
    this.#add(this.#mask.push(this.#decoder.write(chunk)))
  }

  /** The output; call once, when it has ended. */
  end(): string {
    this.#add(this.#mask.push(this.#decoder.end()) + this.#mask.flush())
    if (this.#cut === 0) return this.#head + this.#tail
    return `${this.#head}\n[… ${this.#cut} characters cut …]\n${this.#tail}`.toWellFormed()
  }

  #add(text: string): void {
    let rest = text.replaceAll('\0', '\uFFFD')
    const room = LOG_HEAD - this.#head.length
    if (room > 0) {
      this.#head += rest.slice(0, room)
      rest = rest.slice(room)
    }
    this.#tail += rest
    const over = this.#tail.length - LOG_TAIL
    if (over > 0) {
      this.#tail = this.#tail.slice(over)
      this.#cut += over
    }
  }
}

/** The last lines of a log, shortened for a message. */
export function lastLines(log: string, lines = 5, characters = 1000): string {
  const last = log.trimEnd().split('\n').slice(-lines).join('\n').trim()
  return last.length <= characters ? last : `…${last.slice(-characters)}`.toWellFormed()
}
