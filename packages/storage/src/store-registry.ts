import { z } from 'zod'
import { LazyStore } from './lazy-store.ts'
import type { CallOptions, ObjectStore } from './object-store.ts'
import { retrying } from './retrying.ts'
import type { AnySettings, HiddenVersion, IncompleteUpload, StartedUpload, StoreKind } from './store-kind.ts'
import type { StoreOptions } from './store-options.ts'

/** The kinds of stores that a program knows, and what can be done with settings of any of them. */
export class StoreRegistry<S extends AnySettings> {
  readonly kinds: readonly StoreKind[]
  /** Settings of any kind. */
  readonly settingsSchema: z.ZodType<S>

  /** @param kinds - In the order in which they are listed to people. */
  constructor(kinds: readonly StoreKind[]) {
    this.kinds = kinds
    this.settingsSchema = this.unionOf('type', ({ settingsSchema }) => settingsSchema) as unknown as z.ZodType<S>
  }

  /**
   * Composes the schemas of all kinds into one, so that nothing else has to list the kinds.
   *
   * @param discriminator - The field that names the kind in each of them.
   */
  unionOf(discriminator: string, schemaOf: (kind: StoreKind) => z.ZodObject): z.ZodDiscriminatedUnion {
    const [first, ...others] = this.kinds.map(schemaOf)
    if (first === undefined) throw new RangeError('a registry has at least one kind of store')
    return z.discriminatedUnion(discriminator, [first, ...others])
  }

  /** The kind of settings. Settings always have one, since the schema lets no other pass. */
  kindOf(settings: AnySettings): StoreKind {
    const kind = this.kinds.find(({ type }) => type === settings.type)
    if (kind === undefined) throw new Error(`broken invariant: "${settings.type}" is a kind of store`)
    return kind
  }

  /** The kind that agent requests and the legacy API call so; undefined if there is none. */
  kindOfWireType(wireType: string): StoreKind | undefined {
    return this.kinds.find((kind) => kind.wireType === wireType)
  }

  /** The kind of a document whose class the former manager called so, with its package; undefined if there is none. */
  kindOfLegacyClass(name: string): StoreKind | undefined {
    return this.kinds.find(({ legacyClass }) => legacyClass !== undefined && legacyClass === name.split('.').at(-1))
  }

  /**
   * Opens the store that settings describe. Does no I/O: other faults of the settings show at the first call. There is
   * nothing to close; idle connections keep no process alive.
   *
   * @throws {StoreError} With code `misconfigured` if a URL among the settings is not valid.
   */
  openStore(settings: S, options: StoreOptions = {}): ObjectStore {
    const kind = this.kindOf(settings)
    const store = new LazyStore(kind.location(settings), async () => (await kind.load()).openStore(settings, options))
    return options.retry === false ? store : retrying(store, options.retry)
  }

  /**
   * Removes what an upload left whose process was killed: parts, segments, temporary files. A completed object is kept.
   * No other upload may be using this name, unless its id is known.
   *
   * @throws If something may be left.
   */
  async removeIncompleteUpload(
    settings: S,
    upload: IncompleteUpload,
    options: StoreOptions & CallOptions = {},
  ): Promise<void> {
    const client = await this.kindOf(settings).load()
    await client.removeIncompleteUpload(settings, upload, options)
  }

  /**
   * Lists uploads that did not become objects, both abandoned ones and those under way: multipart uploads, segments
   * without their object, temporary files. Only their age distinguishes them.
   *
   * @param prefix - Names begin with it; whole segments, with a slash at the end.
   * @throws {StoreError} If the store cannot be reached, or has no such request.
   */
  async *listIncompleteUploads(
    settings: S,
    prefix: string,
    options: StoreOptions & CallOptions = {},
  ): AsyncGenerator<StartedUpload> {
    const client = await this.kindOf(settings).load()
    yield* client.listIncompleteUploads(settings, prefix, options)
  }

  /**
   * Lists what deleted and replaced objects left in a store that keeps versions: older versions, and delete markers.
   *
   * @throws {StoreError} If the store cannot be reached, or does not allow it.
   */
  async *listHiddenVersions(
    settings: S,
    prefix: string,
    options: StoreOptions & CallOptions = {},
  ): AsyncGenerator<HiddenVersion> {
    const client = await this.kindOf(settings).load()
    yield* client.listHiddenVersions?.(settings, prefix, options) ?? []
  }

  /** Separates the secrets from the other settings, so that they can be stored encrypted. */
  splitSecrets(settings: S): { open: Record<string, unknown>; secrets: Record<string, unknown> } {
    const { secretFields } = this.kindOf(settings)
    const isSecret = ([field]: [string, unknown]) => secretFields.includes(field)
    const entries = Object.entries(settings)
    return {
      open: Object.fromEntries(entries.filter((entry) => !isSecret(entry))),
      secrets: Object.fromEntries(entries.filter(isSecret)),
    }
  }

  /** Puts together what `splitSecrets` separated. */
  joinSecrets(open: Record<string, unknown>, secrets: Record<string, unknown>): S {
    return { ...open, ...secrets } as unknown as S
  }

  /** All secrets and credentials among the settings: what must not appear in a log. */
  credentialsOf(settings: S): string[] {
    const { secretFields, credentialFields } = this.kindOf(settings)
    return [...secretFields, ...credentialFields].flatMap((field) => {
      const value = (settings as Record<string, unknown>)[field]
      return typeof value === 'string' && value !== '' ? [value] : []
    })
  }

  /** The settings with their secrets and credentials emptied. */
  withoutCredentials(settings: S): S {
    const { secretFields, credentialFields } = this.kindOf(settings)
    return { ...settings, ...Object.fromEntries([...secretFields, ...credentialFields].map((field) => [field, ''])) }
  }

  /** Whether two settings lead to the same objects, whatever their credentials. */
  isSamePlace(one: S, other: S): boolean {
    const identityOf = (settings: S) => JSON.stringify([settings.type, ...this.kindOf(settings).identity(settings)])
    return identityOf(one) === identityOf(other)
  }
}
