import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { ApiError, type BackupClient } from '@osb-backup/client'
import type { RestorePoint } from '@osb-backup/protocol/v1'
import {
  type CallOptions,
  type GetOptions,
  isManifestName,
  type ObjectStore,
  type StoredObject,
  StoreError,
} from '@osb-backup/storage'

/** The object of one restore point and its manifest, read through the manager. Nothing is written. */
export class RestorePointStore implements ObjectStore {
  readonly location: string
  readonly #client: BackupClient
  readonly #point: RestorePoint

  constructor(client: BackupClient, point: RestorePoint) {
    this.#client = client
    this.#point = point
    this.location = `the restore point ${point.id}`
  }

  async get(name: string, { range, signal }: GetOptions = {}): Promise<Readable> {
    const query = { file: fileOf(name), ...(range === undefined ? {} : range) } as const
    const { content } = await this.#call(() => this.#client.restorePoints.openObject(this.#point.id, query, { signal }))
    return Readable.fromWeb(content as ReadableStream)
  }

  async head(name: string, { signal }: CallOptions = {}): Promise<StoredObject | undefined> {
    try {
      const query = { file: fileOf(name), from: 0, end: 1 } as const
      const { content, sizeBytes } = await this.#call(() =>
        this.#client.restorePoints.openObject(this.#point.id, query, { signal }),
      )
      await content.cancel()
      return { name, sizeBytes, modifiedAt: new Date(this.#point.takenAt) }
    } catch (error) {
      if (error instanceof StoreError && error.code === 'absent') return undefined
      throw error
    }
  }

  put(): Promise<never> {
    return Promise.reject(readOnly())
  }

  // biome-ignore lint/correctness/useYield: it only rejects
  async *list(): AsyncGenerator<never> {
    throw readOnly()
  }

  remove(): Promise<never> {
    return Promise.reject(readOnly())
  }

  removeIfSame(): Promise<never> {
    return Promise.reject(readOnly())
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.status === 404) throw new StoreError('absent', error.message, { cause: error })
      const isTemporary = error.status === undefined || error.status === 429 || error.status >= 500
      if (isTemporary) throw new StoreError('temporary', error.message, { cause: error })
      throw error
    }
  }
}

const fileOf = (name: string) => (isManifestName(name) ? 'manifest' : 'object')

const readOnly = () => new StoreError('denied', 'Objects are only read through the manager.')
