import type { BandwidthLimit, ObjectStore, StoreSettings, UnfinishedUpload } from '@osb-backup/storage'
import type { TransferSettings } from '../settings/agent-settings.ts'

/** Where a job's bytes go, and how fast. */
export interface StoreWanted {
  store: StoreSettings
  /** For all jobs of this destination together. */
  bandwidthBytesPerSecond?: number
}

/**
 * Opens stores as the agent's settings want them reached: over its proxies, with its CAs, within its bandwidth, which
 * all of them share. What speaks to stores is loaded with the first one: most of its life an agent waits, in less
 * memory without it.
 */
export class AgentStores {
  readonly #settings: TransferSettings
  readonly #ca: string | undefined
  /** The limit of the whole agent; undefined until the first store is opened. */
  #agentLimit: BandwidthLimit | undefined
  /** The limits of destinations, by the location of their store. */
  readonly #limits = new Map<string, BandwidthLimit>()

  /** @param ca - The content of the settings' `caFile`. */
  constructor(settings: TransferSettings, ca?: string) {
    this.#settings = settings
    this.#ca = ca
  }

  /** Opens a store. Does no I/O with it. */
  async open(wanted: StoreWanted): Promise<ObjectStore> {
    const { BandwidthLimit, openStore } = await import('@osb-backup/storage')
    const store = this.#trusting(wanted.store)
    const { bandwidthBytesPerSecond: ofAgent } = this.#settings
    if (ofAgent !== undefined) this.#agentLimit ??= new BandwidthLimit(ofAgent)
    const { location } = openStore(store)
    const ofDestination = wanted.bandwidthBytesPerSecond
    // The last that was asked for counts, so that a destination's new limit holds from its next job on.
    if (ofDestination === undefined) this.#limits.delete(location)
    else if (this.#limits.get(location)?.bytesPerSecond !== ofDestination) {
      this.#limits.set(location, new BandwidthLimit(ofDestination))
    }
    const bandwidth = [this.#agentLimit, this.#limits.get(location)].filter((limit) => limit !== undefined)
    return openStore(store, { ...this.#options(), bandwidth })
  }

  /**
   * Removes what an upload left that a crash of this agent broke off.
   *
   * @throws If something may be left.
   */
  async removeUnfinished({ store }: StoreWanted, upload: UnfinishedUpload, signal: AbortSignal): Promise<void> {
    const { removeUnfinished } = await import('@osb-backup/storage')
    await removeUnfinished(this.#trusting(store), upload, { ...this.#options(), signal })
  }

  #options() {
    const { maximumParts, proxy } = this.#settings
    return { maximumParts, proxy }
  }

  #trusting(store: StoreSettings): StoreSettings {
    if (store.type === 'file' || this.#ca === undefined) return store
    const ca = [this.#ca, store.tls?.ca].filter((each) => each !== undefined).join('\n')
    return { ...store, tls: { ...store.tls, ca } }
  }
}
