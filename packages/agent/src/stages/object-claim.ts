import { objectNames } from '@osb-backup/core'
import type { CallOptions, ObjectStore } from '@osb-backup/storage'
import { StoreError } from '@osb-backup/storage/kinds'

/** A free name that no other job of this agent will use until it is released. */
export interface ObjectClaim {
  /** Without the prefix. */
  filename: string
  /** Full name in the store. */
  name: string
  release(): void
}

/** The preferred name of an object. */
export interface WantedName {
  prefix: string
  /** The dump's name, and its type with all endings. */
  base: string
  type: string
  takenAt: Date
}

/** More dumps of one database in one second are not plausible; a store that reports them reports every name as used. */
const MAXIMUM_NAMES = 100

/**
 * The names that uploads of this agent are about to use. The store is asked which names are taken, but not atomically.
 */
export class ObjectClaims {
  readonly #taken = new Set<string>()

  /** Reserves a name under which something is left: until that is removed, no other object may have it. */
  reserve(store: ObjectStore, name: string): void {
    this.#taken.add(keyOf(store, name))
  }

  /** Releases a name that `reserve` reserved. */
  release(store: ObjectStore, name: string): void {
    this.#taken.delete(keyOf(store, name))
  }

  /**
   * Claims the first name that is free, in this agent and in the store.
   *
   * @throws {StoreError} With code `misconfigured` if none of a hundred names is.
   */
  async claim(store: ObjectStore, wanted: WantedName, options: CallOptions): Promise<ObjectClaim> {
    for (const filename of objectNames(wanted.base, wanted.type, wanted.takenAt).take(MAXIMUM_NAMES)) {
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
    throw new StoreError(
      'misconfigured',
      `${store.location} has an object for each of the ${MAXIMUM_NAMES} names that were tried for ` +
        `"${wanted.prefix}${wanted.base}${wanted.type}": check the destination.`,
    )
  }
}

const keyOf = ({ location }: ObjectStore, name: string): string => `${location}\n${name}`
