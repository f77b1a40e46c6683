import { closeSync, openSync, readFileSync } from 'node:fs'

/** What starting a script needs: its pipes at both ends, the program that creates them, and the job's journal. */
const FOR_UNLOCK = 14
/** What the other steps of a job need; only checked, since a job that fails without them is still unlocked. */
const FOR_WORK = 10

/** File descriptors that are kept for the cleanup and the unlock of one job. */
export class DescriptorReserve {
  readonly #descriptors: number[] = []

  /**
   * Reserves the descriptors.
   *
   * @throws If not enough descriptors are free for these and for the other steps.
   */
  constructor() {
    const forWork: number[] = []
    try {
      while (this.#descriptors.length < FOR_UNLOCK) this.#descriptors.push(openSync('/dev/null', 'r'))
      while (forWork.length < FOR_WORK) forWork.push(openSync('/dev/null', 'r'))
    } catch (error) {
      this.release()
      throw error
    } finally {
      for (const descriptor of forWork) closeSync(descriptor)
    }
  }

  /** Closes them. */
  release(): void {
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor)
  }
}

/** How many file descriptors this process may have; undefined without /proc, or without a limit. */
export function descriptorLimit(): number | undefined {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return found === null ? undefined : Number(found[1])
  } catch {
    return undefined
  }
}
