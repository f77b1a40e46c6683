import type { Result } from '@osb-backup/core'
import { MASKED_SECRET } from '@osb-backup/protocol'
import type { z } from 'zod'
import type { CallOptions, ObjectStore } from './object-store.ts'
import type { StoreOptions } from './store-options.ts'

/** Settings of some kind of store; `type` names the kind. */
export interface AnySettings {
  readonly type: string
}

/**
 * Everything that the system knows about one kind of store. Adding a kind means adding a folder with its `StoreKind`, and
 * an entry in `kinds.ts`; no other code names a kind. A kind loads the client of its store only when it is used, so that
 * programs which only read settings stay small.
 */
export interface StoreKind<S extends AnySettings = AnySettings> {
  /** In settings, in the database and in /v1: `s3`. */
  readonly type: S['type']
  /** In agent requests and in the legacy API: `S3`. */
  readonly wireType: string
  /** The simple name of the class that documents of the former manager name in `_class`; absent: it had no such kind. */
  readonly legacyClass?: string
  readonly settingsSchema: z.ZodObject & z.ZodType<S>
  /** Settings that are stored encrypted and never shown. */
  readonly secretFields: readonly string[]
  /** Further settings that are masked in logs and forgotten with a job, but may be shown in the API. */
  readonly credentialFields: readonly string[]
  /**
   * Where objects are stored, for messages; holds no secret.
   *
   * @throws {StoreError} With code `misconfigured` if a URL among the settings is not valid.
   */
  location(settings: S): string
  /** What identifies a location: settings with the same values see the same objects, whatever the credentials. */
  identity(settings: S): readonly string[]
  /** The field of the API that names the server; undefined if there is no server. */
  readonly endpointField: string | undefined
  /**
   * The server that is connected to; undefined if there is none, or the settings name none.
   *
   * @throws {StoreError} With code `misconfigured` if its URL is not valid.
   */
  endpoint(settings: S): URL | undefined
  /**
   * The setting that names the container of objects within the server, in settings as in the API: a bucket, a container, a
   * directory. Templates fill in the id of an instance there, and nowhere else. Absent: there is none.
   */
  readonly containerField?: string
  /** How error messages call the parts of the settings; undefined where the store's own errors say all. */
  terms(settings: S): StoreTerms | undefined
  /** The directory of the machine's file system where objects are stored, if so: operators restrict those to a root. */
  localDirectory(settings: S): string | undefined
  /** The same settings with another local directory: the one that `localDirectory` named, with its links resolved. */
  withLocalDirectory(settings: S, directory: string): S
  readonly agent: AgentCodec<S>
  readonly legacy: ApiCodec<S>
  readonly v1: ApiCodec<S>
  /** Loads what connects to a store of this kind. */
  load(): Promise<StoreClient<S>>
}

/** How error messages name the parts of a store's settings. */
export interface StoreTerms {
  /** The server: `https://s3.example`, `AWS`. */
  server: string
  /** The container with its name: `bucket "backups"`. */
  container: string
  region: string
  /** A sentence about wrong credentials. */
  wrongCredentials: string
}

/** How the settings of a kind are spelt in requests to agents, next to the fields that all kinds share. */
export interface AgentCodec<S extends AnySettings> {
  /** The fields of `destination` that belong to this kind. */
  readonly fields: z.ZodRawShape
  /** Fields without which a request is rejected, in the published order. */
  readonly requiredFields: readonly string[]
  /** Required fields that a request does not need, since others take their place. */
  waivedFields?(destination: Readonly<Record<string, unknown>>): readonly string[]
  /** Fields that are named along with missing ones, but alone are no reason to reject a request. */
  readonly expectedFields: readonly string[]
  /** @param destination - Has the required fields. */
  decode(destination: Readonly<Record<string, unknown>>): S
  encode(settings: S): Record<string, unknown>
  /** What the answer about a job shows of its destination. */
  answerFields(settings: S): Record<string, string | boolean | undefined>
  /**
   * The variables of scripts that store dumps themselves, secrets included, under the names of the Go agent.
   *
   * @param prefix - Precedes the names of objects.
   */
  scriptVariables(settings: S, prefix: string): Record<string, string>
}

/** Why settings could not be decoded. */
export interface FieldError {
  field: string
  problem: string
}

/**
 * How the settings of a kind are spelt in a version of the REST API. The manager composes the schemas of its API from those of
 * all kinds, and adds what destinations have in common.
 */
export interface ApiCodec<S extends AnySettings> {
  /** What clients send, with the discriminator of the kind. In /v1 it is strict. */
  readonly requestSchema: z.ZodObject
  /** What clients get, with the discriminator of the kind. */
  readonly answerSchema: z.ZodObject
  /**
   * @param request - As the request schema parsed it.
   * @param stored - The settings to be replaced, of any kind: secrets that the request leaves out are kept, if they may be.
   */
  decode(request: Readonly<Record<string, unknown>>, stored: AnySettings | undefined): Result<S, FieldError>
  /** Settings without secrets, as clients get them, with the discriminator. */
  encode(settings: S): Record<string, unknown>
}

/** What connects to stores of a kind. */
export interface StoreClient<S extends AnySettings> {
  openStore(settings: S, options: StoreOptions): ObjectStore
  /** See `removeIncompleteUpload`. */
  removeIncompleteUpload(settings: S, upload: IncompleteUpload, options: StoreOptions & CallOptions): Promise<void>
  /** See `listIncompleteUploads`. */
  listIncompleteUploads(settings: S, prefix: string, options: StoreOptions & CallOptions): AsyncIterable<StartedUpload>
  /** See `listHiddenVersions`. Absent: stores of this kind keep none. */
  listHiddenVersions?(settings: S, prefix: string, options: StoreOptions & CallOptions): AsyncIterable<HiddenVersion>
}

/** An upload that a killed process left. */
export interface IncompleteUpload {
  name: string
  /** The id that `UploadRecorder` recorded; only that upload is removed. Absent: no other upload may have its name. */
  id?: string
  /**
   * Temporary files whose names do not say whose they are belong to it if they are not older, by the clock of this machine. Parts
   * and segments carry its name.
   */
  since: Date
}

/** An upload that has not become an object so far. */
export interface StartedUpload {
  /** What `removeIncompleteUpload` takes. */
  name: string
  id?: string
  startedAt: Date
}

/** What deleting or replacing an object left in a store that keeps versions; no list of objects has it. */
export interface HiddenVersion {
  name: string
  /** 0 for a delete marker. */
  sizeBytes: number
  isDeleteMarker: boolean
}

/** The secret that counts: the one sent, unless it is absent, empty or masked; then the stored one. */
export function keptSecret(sent: string | undefined, stored: string | undefined): string | undefined {
  return sent === undefined || sent === '' || sent === MASKED_SECRET ? stored : sent
}

/** The error for a secret that is neither sent nor stored. */
export const missingSecret = (field: string): FieldError => ({ field, problem: `${field} is required.` })

/** Those of some fields that have a value; an empty text is none. */
export function presentFields<T extends object, K extends keyof T>(
  source: T,
  fields: readonly K[],
): { [Field in K]?: Exclude<T[Field], undefined | null> } {
  const entries = fields.map((field) => [field, source[field]] as const)
  return Object.fromEntries(
    entries.filter(([, value]) => value !== undefined && value !== null && value !== ''),
  ) as never
}

/** The same values under other names. */
export function renamedFields(
  source: Readonly<Record<string, unknown>>,
  names: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const present = Object.entries(names).filter(([from]) => source[from] !== undefined && source[from] !== '')
  return Object.fromEntries(present.map(([from, to]) => [to, source[from]]))
}
