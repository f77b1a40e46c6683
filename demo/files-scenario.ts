import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scenario } from './scenario.ts'

const FILES = 600
const FILE_BYTES = 128 * 1024
const ITEM = 'documents'

/** A directory of files, half text and half noise: needs nothing but the `files` script pack. */
export async function filesScenario(folder: string): Promise<Scenario> {
  const directory = join(folder, ITEM)
  await mkdir(join(directory, 'Größe & Maß'), { recursive: true })
  for (let index = 0; index < FILES; index++) {
    const content = index % 2 === 0 ? randomBytes(FILE_BYTES) : `line ${index}\n`.repeat(FILE_BYTES / 9)
    await writeFile(join(directory, index % 3 === 0 ? 'Größe & Maß' : '.', `file-${index}.dat`), content)
  }
  return {
    title: `a directory of ${FILES} files`,
    pack: 'files',
    items: [ITEM],
    instanceOptions: ['--host', '127.0.0.1:22', '--parameter', `directory=${folder}`],
    digest: () => digestOf(directory),
    async damage() {
      await rm(join(directory, 'Größe & Maß'), { recursive: true })
      await writeFile(join(directory, 'file-1.dat'), 'overwritten')
      return 'a third of the files is deleted and one is overwritten'
    },
    async stop() {
      // Nothing runs; the folder is the demo's.
    },
  }
}

/** Names and contents of all files below a directory, in the order of their names. */
async function digestOf(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const hash = createHash('sha256')
  for (const path of paths.toSorted()) {
    hash.update(`${path.slice(directory.length)}\0`)
    hash.update(await readFile(path))
  }
  return hash.digest('hex')
}
