import type { Readable } from 'node:stream'
import type { CallOptions, GetOptions, ObjectStore, PutOptions, StoredObject } from './object-store.ts'

/** A store whose client is loaded with the first call. */
export class LazyStore implements ObjectStore {
  readonly location: string
  readonly #load: () => Promise<ObjectStore>
  #store: Promise<ObjectStore> | undefined

  /** @param load - Called once. */
  constructor(location: string, load: () => Promise<ObjectStore>) {
    this.location = location
    this.#load = load
  }

  #opened(): Promise<ObjectStore> {
    this.#store ??= this.#load()
    return this.#store
  }

  async put(name: string, content: Readable, options?: PutOptions): Promise<StoredObject> {
    // Content that fails before it is read must not end the process; the store finds it failed.
    content.on('error', () => undefined)
    return (await this.#opened()).put(name, content, options)
  }

  async get(name: string, options?: GetOptions): Promise<Readable> {
    return (await this.#opened()).get(name, options)
  }

  async head(name: string, options?: CallOptions): Promise<StoredObject | undefined> {
    return (await this.#opened()).head(name, options)
  }

  async *list(prefix: string, options?: CallOptions): AsyncGenerator<StoredObject> {
    yield* (await this.#opened()).list(prefix, options)
  }

  async remove(name: string, options?: CallOptions): Promise<void> {
    return (await this.#opened()).remove(name, options)
  }

  async removeIfSame(object: StoredObject, options?: CallOptions): Promise<boolean> {
    return (await this.#opened()).removeIfSame(object, options)
  }

  async credentialsExpireAt(options?: CallOptions): Promise<Date | undefined> {
    return (await this.#opened()).credentialsExpireAt?.(options)
  }
}
