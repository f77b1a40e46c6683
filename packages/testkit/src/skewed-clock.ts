import { glob, writeFile } from 'node:fs/promises'

const LIBRARY = '/usr/lib/*/faketime/libfaketimeMT.so.1'

/** A clock that processes started with its environment read instead of the system's, by libfaketime. */
export class SkewedClock {
  /** Settings to start a program with. */
  readonly environment: Readonly<Record<string, string>>
  readonly #file: string

  private constructor(library: string, file: string) {
    this.#file = file
    this.environment = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      // Only the time of day is wrong; timers, timeouts and the times of files are right.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    }
  }

  /** @param file - Holds how wrong the clock is. @returns Undefined where libfaketime is not installed. */
  static async create(file: string): Promise<SkewedClock | undefined> {
    for await (const library of glob(LIBRARY)) {
      const clock = new SkewedClock(library, file)
      await clock.set(0)
      return clock
    }
    return undefined
  }

  /** Sets the clock ahead by a number of seconds, or behind; running processes notice within a second or two. */
  async set(seconds: number): Promise<void> {
    await writeFile(this.#file, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}s\n`)
  }
}
