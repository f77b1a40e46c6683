import { readFile } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Transforms, transformsOfName } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import type { ObjectManifest } from '@osb-backup/protocol'
import { loadContent } from '../content/load-content.ts'
import { storeContent } from '../content/store-content.ts'
import { verifyObject } from '../content/verify-object.ts'
import { findZstdProgram } from '../content/zstd-program.ts'
import { type ExpectedObject, type ReadManifest, readManifest } from '../manifest/object-manifest.ts'
import type { ObjectStore } from '../object-store.ts'
import { openStore } from '../open-store.ts'
import type { TransferArguments } from './read-arguments.ts'
import { readDestination } from './read-destination.ts'
import { UsageError } from './usage-error.ts'

/** The environment of a command. */
export interface TransferContext {
  environment: Readonly<Record<string, string | undefined>>
  input: Readable
  output: Writable
  signal: AbortSignal
}

/** Runs a command. */
export async function runTransfer(wanted: TransferArguments, context: TransferContext): Promise<void> {
  const { environment, signal } = context
  const settings = readDestination(await textOf(wanted.destinationFile))
  const proxy = {
    ...(environment.HTTPS_PROXY && { httpsProxy: environment.HTTPS_PROXY }),
    ...(environment.HTTP_PROXY && { httpProxy: environment.HTTP_PROXY }),
    ...(environment.NO_PROXY && { noProxy: environment.NO_PROXY }),
  }
  const store = openStore(settings, { proxy })
  switch (wanted.command) {
    case 'store':
      return storeInput(store, wanted, context)
    case 'load':
      return loadOutput(store, wanted, context)
    case 'verify': {
      const read = await readManifest(store, wanted.name, { signal, ...omitUndefined({ root: wanted.expected.root }) })
      return print(context.output, await verifyObject(store, wanted.name, expectedOf(wanted, read), { signal }))
    }
    case 'list':
      for await (const object of store.list(wanted.name, { signal })) context.output.write(`${object.name}\n`)
  }
}

async function storeInput(store: ObjectStore, wanted: TransferArguments, context: TransferContext): Promise<void> {
  const zstdProgram = findZstdProgram(context.environment.PATH)
  const { chunks: _, ...stored } = await storeContent(store, wanted.name, context.input, {
    compression: wanted.compression ?? 'none',
    recipients: wanted.recipients,
    signal: context.signal,
    ...(wanted.level === undefined ? {} : { compressionLevel: wanted.level }),
    ...(zstdProgram === undefined ? {} : { zstdProgram }),
  })
  print(context.output, stored)
}

async function loadOutput(store: ObjectStore, wanted: TransferArguments, context: TransferContext): Promise<void> {
  const { signal } = context
  const read = await readManifest(store, wanted.name, { signal, ...omitUndefined({ root: wanted.expected.root }) })
  const zstdProgram = findZstdProgram(context.environment.PATH)
  const content = await loadContent(store, wanted.name, {
    ...transformsOf(wanted, read?.manifest),
    identities: wanted.identityFile === undefined ? [] : identitiesIn(await textOf(wanted.identityFile)),
    expected: expectedOf(wanted, read),
    manifest: read,
    signal,
    ...(zstdProgram === undefined ? {} : { zstdProgram }),
  })
  await pipeline(content, context.output)
}

function transformsOf(wanted: TransferArguments, manifest: ObjectManifest | undefined): Transforms {
  const said = manifest?.transforms
  const byName = transformsOfName(wanted.name)
  return {
    compression: said?.compression ?? wanted.compression ?? byName.compression,
    encrypted: said === undefined ? byName.encrypted || wanted.identityFile !== undefined : said.encryption === 'age',
  }
}

/** Without a recorded root, the manifest is believed. */
function expectedOf({ expected }: TransferArguments, read: ReadManifest | undefined): ExpectedObject {
  return read === undefined ? expected : { root: expected.root ?? read.root, ...read.manifest.stored }
}

/** The identities of a file as `age-keygen` writes it. */
function identitiesIn(text: string): string[] {
  return text.split('\n').flatMap((line) => (line.trim() === '' || line.startsWith('#') ? [] : [line.trim()]))
}

async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`${path} cannot be read (${cause.code}).`, { cause })
  })
}

function print(output: Writable, value: object): void {
  output.write(`${JSON.stringify(value, undefined, 2)}\n`)
}
