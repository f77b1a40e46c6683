import { objectNames } from '@osb-backup/core'
import type { CallOptions, ObjectStore } from '@osb-backup/storage'

/** A free name that nobody else in this agent will take until it is released. */
export interface ObjectClaim {
  /** Without the prefix. */
  filename: string
  /** Full name in the store. */
  name: string
  release(): void
}

/** Where an object goes, and how it would best be called. */
export interface WantedName {
  prefix: string
  /** The dump's name, and its type with all endings. */
  base: string
  type: string
  takenAt: Date
}

/** The names that uploads of this agent are about to take. A store is asked what is taken, but not atomically. */
export class ObjectClaims {
  readonly #taken = new Set<string>()

  /** Takes a name under which something is left: until it is removed, nobody else's object may be there. */
  hold(store: ObjectStore, name: string): void {
    this.#taken.add(keyOf(store, name))
  }

  /** Frees a name that `hold` took. */
  release(store: ObjectStore, name: string): void {
    this.#taken.delete(keyOf(store, name))
  }

  /** Takes the first name that is free, here and at the store. */
  async claim(store: ObjectStore, wanted: WantedName, options: CallOptions): Promise<ObjectClaim> {
    for (const filename of objectNames(wanted.base, wanted.type, wanted.takenAt)) {
      const name = wanted.prefix + filename
      const key = keyOf(store, name)
      if (this.#taken.has(key)) continue
      this.#taken.add(key)
      const release = () => this.#taken.delete(key)
      try {
        if ((await store.head(name, options)) === undefined) return { filename, name, release }
      } catch (error) {
        release()
        throw error
      }
      release()
    }
    throw new Error('names never end')
  }
}

const keyOf = ({ location }: ObjectStore, name: string): string => `${location}\n${name}`
