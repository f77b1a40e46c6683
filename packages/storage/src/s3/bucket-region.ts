import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import { regionInAnswer } from '../failure-cause.ts'
import { StoreError } from '../store-error.ts'
import { DEFAULT_REGION, regionOf, type S3Settings } from './s3-settings.ts'

/** The name is part of a host name at AWS, and the SDK accepts no other. */
const namePattern = /^(?!-)[a-z\d-]{1,63}(?<!-)$/i

/** The settings have a region that cannot exist. */
class InvalidRegion extends Error {
  override readonly name = 'InvalidRegion'
}

/** The region that requests are signed for: the one of the settings, or else what the server says. */
export class BucketRegion {
  readonly #isSet: boolean
  #region: string

  /** @throws {StoreError} With code `misconfigured` if no region can have this name. */
  constructor(settings: S3Settings) {
    this.#isSet = Boolean(settings.region?.trim())
    this.#region = regionOf(settings) ?? DEFAULT_REGION
    if (namePattern.test(this.#region)) return
    const name = JSON.stringify(this.#region)
    throw new StoreError(
      'misconfigured',
      `The region ${name} cannot exist: names of regions consist of letters, digits and hyphens. Correct it.`,
      { cause: new InvalidRegion(`${name} is no name of a region`) },
    )
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
