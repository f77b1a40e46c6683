import { omitUndefined } from '@osb-backup/node'
import type { ObjectStore, StoreOptions } from '@osb-backup/storage'
import {
  addressRule,
  BandwidthLimit,
  type IncompleteUpload,
  type StoreSettings,
  stores,
  undoRetry,
} from '@osb-backup/storage/kinds'
import type { TransferSettings } from '../settings/agent-settings.ts'

/** Where the bytes of a job are stored, and how fast they may be transferred. */
export interface StoreRequest {
  store: StoreSettings
  /** For all jobs of this destination together. */
  bandwidthBytesPerSecond?: number
}

/**
 * Opens stores the way the agent's settings require: over its proxies, with its CAs, and within its bandwidth, which all
 * stores share.
 */
export class AgentStores {
  readonly #settings: TransferSettings
  #ca: string | undefined
  /** The limit of the whole agent. */
  readonly #agentLimit: BandwidthLimit | undefined
  /** The limits of destinations, by the location of their store. */
  readonly #limits = new Map<string, BandwidthLimit>()

  /** @param ca - The content of the settings' `caFile`. */
  constructor(settings: TransferSettings, ca?: string) {
    this.#settings = settings
    this.#ca = ca
    const { bandwidthBytesPerSecond } = settings
    this.#agentLimit = bandwidthBytesPerSecond === undefined ? undefined : new BandwidthLimit(bandwidthBytesPerSecond)
  }

  /** Changes the CAs that are trusted when stores are reached. */
  trust(ca: string | undefined): void {
    this.#ca = ca
  }

  /** Opens a store. Does no I/O. Options take precedence over the settings. */
  open({ store, bandwidthBytesPerSecond }: StoreRequest, options: Pick<StoreOptions, 'retry'> = {}): ObjectStore {
    const location = stores.kindOf(store).location(store)
    // The latest request counts, so that a destination's new limit applies from its next job on.
    if (bandwidthBytesPerSecond === undefined) this.#limits.delete(location)
    else if (this.#limits.get(location)?.bytesPerSecond !== bandwidthBytesPerSecond) {
      this.#limits.set(location, new BandwidthLimit(bandwidthBytesPerSecond))
    }
    const bandwidth = [this.#agentLimit, this.#limits.get(location)].filter((limit) => limit !== undefined)
    return stores.openStore(store, { ...this.#options(), bandwidth, ...options })
  }

  /**
   * Removes what an upload left that was interrupted by a crash of this agent, or that could not be aborted. Retries
   * only for seconds: the caller tries again later.
   *
   * @throws If something may be left.
   */
  async removeIncompleteUpload({ store }: StoreRequest, upload: IncompleteUpload, signal: AbortSignal): Promise<void> {
    await stores.removeIncompleteUpload(store, upload, { ...this.#options(), retry: undoRetry, signal })
  }

  #options(): StoreOptions {
    const { maximumParts, proxy, outageMs, idleTimeoutMs, credentialSources, privateDestinations } = this.#settings
    const retry = { outageMs }
    const mayConnectTo = addressRule(privateDestinations)
    return omitUndefined({
      credentialSources,
      maximumParts,
      proxy,
      retry,
      idleTimeoutMs,
      mayConnectTo,
      trustedCa: this.#ca,
    })
  }
}
