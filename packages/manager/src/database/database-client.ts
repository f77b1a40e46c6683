import { Client, type PoolConfig } from 'pg'
import { type PrimaryFinder, useServer } from './primary-finder.ts'

/** How to connect to the database. */
export interface Connection extends PoolConfig {
  /** Finds the server to connect to; undefined: the configuration names it. */
  primary?: PrimaryFinder
}

/** A client that connects to whichever server accepts writes. */
export class DatabaseClient extends Client {
  readonly #primary: PrimaryFinder | undefined

  constructor(config: Connection = {}) {
    super(config)
    this.#primary = config.primary
    // A connection that breaks may be the end of the primary.
    if (this.#primary !== undefined) this.on('error', () => this.#primary?.forget())
  }

  override connect(): Promise<this>
  override connect(callback: (error?: Error) => void): void
  override connect(callback?: (error?: Error) => void): Promise<this> | undefined {
    const connected = this.#connect()
    if (callback === undefined) return connected
    connected.then(() => callback(), callback)
    return undefined
  }

  async #connect(): Promise<this> {
    if (this.#primary !== undefined) useServer(this, await this.#primary.find())
    try {
      await super.connect()
      return this
    } catch (error) {
      this.#primary?.forget()
      throw error
    }
  }
}
