import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import { regionInAnswer } from '../failure-cause.ts'
import { DEFAULT_REGION, regionOf, type S3Settings } from './s3-settings.ts'

/** The region that requests are signed for: the one of the settings, or else what the server says. */
export class BucketRegion {
  readonly #isSet: boolean
  #region: string

  constructor(settings: S3Settings) {
    this.#isSet = Boolean(settings.region?.trim())
    this.#region = regionOf(settings) ?? DEFAULT_REGION
  }

  get current(): string {
    return this.#region
  }

  /** Makes a client send a request once more if the server names another region than was guessed. */
  follow(client: S3Client): void {
    client.middlewareStack.add(
      (next) => async (args) => {
        try {
          return await next(args)
        } catch (error) {
          const { Body } = args.input as { Body?: unknown }
          // A stream was read; the caller's next attempt is for the right region.
          if (!this.#learn(error) || Body instanceof Readable) throw error
          return next(args)
        }
      },
      { step: 'initialize', priority: 'high', name: 'followBucketRegion' },
    )
  }

  #learn(error: unknown): boolean {
    const region = this.#isSet ? undefined : regionInAnswer(error)
    if (region === undefined || region === this.#region) return false
    this.#region = region
    return true
  }
}
