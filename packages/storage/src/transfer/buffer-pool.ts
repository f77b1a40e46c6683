const MEBIBYTE = 1024 * 1024

/**
 * Memory of parts or ranges that were moved, for the next ones. It is asked for in powers of two, so that parts that grow fit into it
 * for long; what is not written takes none of the machine's memory. What lies unused the collector may take.
 *
 * Uploads must not share it: a server may answer before it has read all of a part, and what is written there next would still be
 * sent to it.
 */
export class BufferPool {
  #spare: WeakRef<Buffer>[] = []

  /** Memory for at least so many bytes, with anything in it; what came back last first. */
  acquire(sizeBytes: number): Buffer {
    const there = this.#spare.map((spare) => spare.deref()).filter((memory) => memory !== undefined)
    const found = there.findLastIndex((memory) => memory.length >= sizeBytes)
    this.#spare = there.filter((_, index) => index !== found).map((memory) => new WeakRef(memory))
    return there[found] ?? Buffer.allocUnsafeSlow(roundedUp(sizeBytes))
  }

  /** Keeps memory that nobody uses any more. */
  release(memory: Buffer): void {
    this.#spare.push(new WeakRef(memory))
  }
}

function roundedUp(sizeBytes: number): number {
  return sizeBytes < MEBIBYTE ? sizeBytes : 2 ** Math.ceil(Math.log2(sizeBytes))
}
