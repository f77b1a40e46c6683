import { resolve } from 'node:path'
import { ok } from '@osb-backup/core'
import {
  type AgentDestination,
  agentDestinationSchema,
  type FileDirectoryRequest,
  fileDirectoryRequestSchema,
  fileDirectorySchema,
} from '@osb-backup/protocol'
import { type FileStoreSettings, fileStoreSchema, fileStoreSettingsSchema } from '@osb-backup/protocol/v1/stores'
import type { StoreKind } from '../store-kind.ts'
import { type FileSettings, fileSettingsSchema } from './file-settings.ts'

/** A directory as the API has it. */
export const directoryStore = (directory: string) => ({ kind: 'file' as const, directory })

/** A directory. */
export const fileKind = {
  type: 'file',
  wireType: 'FILE',
  settingsSchema: fileSettingsSchema,
  secretFields: [],
  credentialFields: [],
  location: ({ directory }) => `directory ${directory}`,
  identity: ({ directory }) => [resolve(directory)],
  endpointField: undefined,
  endpoint: () => undefined,
  containerField: 'directory',
  terms: () => undefined,
  localDirectory: ({ directory }) => directory,
  withLocalDirectory: (settings, directory) => ({ ...settings, directory }),
  agent: {
    fields: agentDestinationSchema.pick({ directory: true }).shape,
    requiredFields: ['directory'],
    expectedFields: [],
    decode: ({ directory = '' }: AgentDestination) => ({ type: 'file', directory }),
    encode: ({ directory }) => ({ directory }),
    answerFields: () => ({}),
    scriptVariables: ({ directory }, prefix) => ({ FILE_DIRECTORY: directory, FILE_FILENAMEPREFIX: prefix }),
  },
  legacy: {
    requestSchema: fileDirectoryRequestSchema,
    answerSchema: fileDirectorySchema,
    decode: ({ directory }: FileDirectoryRequest) => ok({ type: 'file', directory }),
    encode: ({ directory }) => ({ type: 'FILE', directory }),
  },
  v1: {
    requestSchema: fileStoreSettingsSchema,
    answerSchema: fileStoreSchema,
    decode: ({ directory }: FileStoreSettings) => ok({ type: 'file', directory }),
    encode: ({ directory }) => directoryStore(directory),
  },
  async load() {
    const { FileStore } = await import('./file-store.ts')
    const { listTemporaryFiles, removeTemporaryFiles } = await import('./incomplete-uploads.ts')
    return {
      openStore: (settings, options) => new FileStore(settings, options),
      removeIncompleteUpload: removeTemporaryFiles,
      listIncompleteUploads: listTemporaryFiles,
    }
  },
} as const satisfies StoreKind<FileSettings>
