import { type FileHandle, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from './run-program.ts'

const CHUNK = Buffer.alloc(64 * 1024)

/** A file system of its own that can be filled: a tmpfs, which needs root. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** @param path - A directory. */
  static async mount(path: string, sizeMib: number): Promise<SmallDisk> {
    await runProgram('mount', '-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=0711`, 'tmpfs', path)
    return new SmallDisk(path)
  }

  /** Fills the disk. Returns what frees the space again. */
  async fill(): Promise<() => Promise<void>> {
    const filler = join(this.path, 'filler')
    const file = await open(filler, 'a')
    try {
      for (const chunk of [CHUNK, CHUNK.subarray(0, 4096)]) {
        // Others write too, so that the space may be used up before it is reserved.
        while ((await statfs(this.path)).bavail * 4096 >= chunk.length && (await isWritten(file, chunk)));
      }
    } finally {
      await file.close()
    }
    return () => rm(filler, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Lazily: a process that was killed may still hold a directory.
    await runProgram('umount', '--lazy', this.path)
  }
}

async function isWritten(file: FileHandle, chunk: Buffer): Promise<boolean> {
  return file.write(chunk).then(
    () => true,
    () => false,
  )
}
