import { readFile } from 'node:fs/promises'
import { errorCode, writeFileAtomically } from '@osb-backup/node'

/** An operation in the background, or the last one. */
export interface BrokerOperation {
  id: string
  state: 'in progress' | 'succeeded' | 'failed'
  description?: string
}

/** A binding that the broker knows. */
export interface BrokerBinding {
  /** What was requested, to recognize the same request. */
  request: string
  operation?: BrokerOperation
  /** Missing while it is created or deleted. */
  credentials?: Record<string, unknown>
}

/** An instance that the broker knows. */
export interface BrokerInstance {
  serviceId: string
  planId: string
  request: string
  parameters: Record<string, unknown>
  organizationGuid: string | undefined
  spaceGuid: string | undefined
  operation?: BrokerOperation
  isReady: boolean
  bindings: Record<string, BrokerBinding>
}

/** What the broker knows, kept in a file if it has one, so that it may be restarted. */
export class BrokerState {
  readonly instances: Map<string, BrokerInstance>
  readonly #file: string | undefined
  #saved: Promise<void> = Promise.resolve()

  private constructor(file: string | undefined, instances: Map<string, BrokerInstance>) {
    this.#file = file
    this.instances = instances
  }

  static async open(file: string | undefined): Promise<BrokerState> {
    if (file === undefined) return new BrokerState(undefined, new Map())
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return '{}'
      throw error
    })
    return new BrokerState(file, new Map(Object.entries(JSON.parse(text) as Record<string, BrokerInstance>)))
  }

  /** Writes what changed. */
  save(): Promise<void> {
    const file = this.#file
    if (file === undefined) return Promise.resolve()
    this.#saved = this.#saved.then(() => writeFileAtomically(file, JSON.stringify(Object.fromEntries(this.instances))))
    return this.#saved
  }
}
