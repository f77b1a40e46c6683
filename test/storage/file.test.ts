import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '@osb-backup/storage'
import { describeObjectStore } from './conformance.ts'

const root = await mkdtemp(join(tmpdir(), 'osb-file-store-'))

describeObjectStore('file', {
  prepare: async () => undefined,
  open: (options) => openStore({ type: 'file', directory: root }, options),
  openMissing: () => openStore({ type: 'file', directory: join(root, 'missing') }, { retry: false }),
  // With no object stored everything that lies there is left over, empty directories too.
  countOrphans: async () => (await readdir(root)).length,
  knowsConditions: true,
  boundaries: [64 * 1024, 256 * 1024],
  cleanUp: () => rm(root, { recursive: true }),
})
