const MEBIBYTE = 1024 * 1024

/**
 * Reuses the memory of parts or ranges that were transferred. Buffers have sizes in powers of two, so that growing
 * parts fit into them for long; pages that are never written use no memory of the machine. The garbage collector may
 * take unused buffers.
 *
 * Uploads must not share a pool: a server may answer before it has read all of a part, and would then be sent what is
 * written there next.
 */
export class BufferPool {
  #spare: WeakRef<Buffer>[] = []

  /** A buffer for at least this many bytes, with arbitrary content; the one released last is used first. */
  acquire(sizeBytes: number): Buffer {
    const there = this.#spare.map((spare) => spare.deref()).filter((memory) => memory !== undefined)
    const found = there.findLastIndex((memory) => memory.length >= sizeBytes)
    this.#spare = there.filter((_, index) => index !== found).map((memory) => new WeakRef(memory))
    return there[found] ?? Buffer.allocUnsafeSlow(roundedUp(sizeBytes))
  }

  /** Returns a buffer that is no longer used. */
  release(memory: Buffer): void {
    this.#spare.push(new WeakRef(memory))
  }
}

function roundedUp(sizeBytes: number): number {
  return sizeBytes < MEBIBYTE ? sizeBytes : 2 ** Math.ceil(Math.log2(sizeBytes))
}
