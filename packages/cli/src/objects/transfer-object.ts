import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Compression, type Transforms, transformsOfName } from '@osb-backup/core'
import { omitUndefined } from '@osb-backup/node'
import type { ObjectManifest } from '@osb-backup/protocol'
import {
  findZstdProgram,
  loadContent,
  type ObjectStore,
  openStore,
  type ReadManifest,
  readManifest,
  type StoreSettings,
  storeContent,
  stores,
  undoRetry,
  verifyObject,
} from '@osb-backup/storage'
import { UsageError } from '../exit-code.ts'
import type { Io } from '../io.ts'

/** What is done with an object. */
export type ObjectCommand = 'put' | 'get' | 'verify' | 'list'

export interface ObjectRequest {
  command: ObjectCommand
  /** Name of the object; for `list` the beginning of names. */
  name: string
  destination: StoreSettings
  compression: Compression | undefined
  level: number | undefined
  recipients: string[]
  /** Whether `put` may replace an object. */
  replace: boolean
  identities: string[]
  expected: { sizeBytes?: number; sha256?: string; root?: string }
}

/**
 * Reads the settings of a store from JSON: `{"type": "s3", "bucket": …}`.
 *
 * @throws {UsageError} Naming the first field that is missing or wrong; never with its value.
 */
export function readDestination(text: string): StoreSettings {
  const result = stores.settingsSchema.safeParse(parse(text))
  if (result.success) return result.data
  const [issue] = result.error.issues
  if (issue?.code === 'invalid_union') {
    throw new UsageError(`The destination needs "type": ${stores.kinds.map(({ type }) => type).join(', ')}.`)
  }
  throw new UsageError(`The destination needs "${issue?.path.join('.')}": ${issue?.message}.`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The engine's own message quotes the text, and so perhaps a secret.
    throw new UsageError('The destination is not valid JSON.')
  }
}

/** Stores standard input, or reads, verifies or lists objects. */
export async function transferObject(io: Io, request: ObjectRequest): Promise<void> {
  const { env, signal, stdout } = io
  const proxy = {
    ...(env.HTTPS_PROXY && { httpsProxy: env.HTTPS_PROXY }),
    ...(env.HTTP_PROXY && { httpProxy: env.HTTP_PROXY }),
    ...(env.NO_PROXY && { noProxy: env.NO_PROXY }),
  }
  // A person waits for a list; only a transfer has something to lose by giving up early.
  const store = openStore(request.destination, { proxy, ...(request.command === 'list' ? { retry: undoRetry } : {}) })
  const { name, expected } = request
  switch (request.command) {
    case 'put':
      return putInput(store, request, io)
    case 'get':
      return getOutput(store, request, io)
    case 'verify': {
      const read = await readManifest(store, name, { signal, ...omitUndefined({ root: expected.root }) })
      if (isUnknown(request, read) && expected.sizeBytes === undefined)
        throw new UsageError(`"${name}" has no manifest to compare it with.`, hint)
      return print(stdout, await verifyObject(store, name, expectedOf(request, read), { signal }))
    }
    case 'list':
      for await (const object of store.list(name, { signal })) stdout.write(`${object.name}\n`)
  }
}

async function putInput(store: ObjectStore, request: ObjectRequest, { env, signal, stdin, stdout }: Io): Promise<void> {
  const zstdProgram = findZstdProgram(env.PATH)
  const { chunks: _, ...stored } = await storeContent(store, request.name, stdin, {
    compression: request.compression ?? 'none',
    recipients: request.recipients,
    mustBeNew: !request.replace,
    signal,
    ...(request.level === undefined ? {} : { compressionLevel: request.level }),
    ...(zstdProgram === undefined ? {} : { zstdProgram }),
  })
  print(stdout, stored)
}

async function getOutput(store: ObjectStore, request: ObjectRequest, io: Io): Promise<void> {
  const { env, signal, stdout, stderr } = io
  const { name, expected, identities } = request
  const read = await readManifest(store, name, { signal, ...omitUndefined({ root: expected.root }) })
  if (isUnknown(request, read)) stderr.write(`"${name}" has no manifest, so it is not verified. ${hint.hint}\n`)
  const zstdProgram = findZstdProgram(env.PATH)
  const content = await loadContent(store, name, {
    ...transformsOf(request, read?.manifest),
    identities,
    expected: expectedOf(request, read),
    manifest: read,
    signal,
    ...(zstdProgram === undefined ? {} : { zstdProgram }),
  })
  await pipeline(content, stdout)
}

function transformsOf(
  { name, compression, identities }: ObjectRequest,
  manifest: ObjectManifest | undefined,
): Transforms {
  const recorded = manifest?.transforms
  const byName = transformsOfName(name)
  return {
    compression: recorded?.compression ?? compression ?? byName.compression,
    encrypted: recorded === undefined ? byName.encrypted || identities.length > 0 : recorded.encryption === 'age',
  }
}

const hint = { hint: 'Pass --sha256 or --root as they were recorded.' }

/** Whether nothing is known of an object but its size at most. */
function isUnknown({ expected }: ObjectRequest, read: ReadManifest | undefined): boolean {
  return read === undefined && expected.sha256 === undefined && expected.root === undefined
}

/** Without a recorded root, the manifest is believed, as far as it says what the user expects. */
function expectedOf({ expected }: ObjectRequest, read: ReadManifest | undefined) {
  if (read === undefined) return expected
  return { ...read.manifest.stored, ...expected, root: expected.root ?? read.root }
}

function print(output: Writable, value: object): void {
  output.write(`${JSON.stringify(value, undefined, 2)}\n`)
}
