import { type ObjectStore, type StoredObject, StoreError, type StoreSettings } from '@osb-backup/storage'
import { openDestination } from '../destinations/open-destination.ts'
import type { Import } from './import-context.ts'

/** The old manager recorded sizes in 32 bits. */
const WRAP = 2 ** 32

/** Looks for objects in the stores of destinations. A store that does not answer is asked once. */
export class ObjectFinder {
  readonly #stores = new Map<string, ObjectStore>()
  readonly #problems = new Map<string, string>()
  readonly #running: Pick<Import, 'context' | 'signal'>
  readonly #destinations: ReadonlyMap<string, StoreSettings>

  constructor(running: Pick<Import, 'context' | 'signal'>, destinations: ReadonlyMap<string, StoreSettings>) {
    this.#running = running
    this.#destinations = destinations
  }

  /**
   * Finds the first of these objects that exists. Agents of several versions put them below the prefix of the plan, or below none.
   *
   * @param sizeBytes - As it was recorded; undefined: it was not.
   * @returns The object; or why there is none to rely on.
   */
  async find(
    destinationId: string,
    names: readonly string[],
    sizeBytes: number | undefined,
  ): Promise<StoredObject | { problem: string }> {
    const store = this.#open(destinationId)
    if (store === undefined) return { problem: `its destination ${destinationId} was not imported` }
    const known = this.#problems.get(destinationId)
    if (known !== undefined) return { problem: known }
    try {
      for (const name of new Set(names)) {
        const found = await store.head(name, { signal: this.#running.signal })
        if (found === undefined) continue
        if (found.sizeBytes === 0) return { problem: `the object ${JSON.stringify(name)} is empty` }
        if (isSize(sizeBytes, found.sizeBytes)) return found
        return {
          problem: `the object ${JSON.stringify(name)} has ${found.sizeBytes} bytes, and ${sizeBytes} were recorded`,
        }
      }
      return { problem: `the object ${JSON.stringify(names[0])} does not exist any more` }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      const problem = `its store could not be asked, so import it again: ${error.message}`
      if (error.code !== 'invalid-name') this.#problems.set(destinationId, problem)
      return { problem }
    }
  }

  #open(destinationId: string): ObjectStore | undefined {
    const settings = this.#destinations.get(destinationId)
    if (settings === undefined) return undefined
    const store =
      this.#stores.get(destinationId) ??
      openDestination(settings, this.#running.context, { retry: { outageMs: 10_000 } })
    this.#stores.set(destinationId, store)
    return store
  }
}

function isSize(recorded: number | undefined, stored: number): boolean {
  if (recorded === undefined || recorded === stored) return true
  return Number.isInteger(recorded) && stored >= WRAP / 2 && ((recorded % WRAP) + WRAP) % WRAP === stored % WRAP
}
