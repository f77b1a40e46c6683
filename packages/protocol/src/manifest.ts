import { z } from 'zod'

/** Beside an object, this after its name is its manifest's. */
export const manifestEnding = '.manifest.json'

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex')
const size = z.int().nonnegative()
const text = z.string().min(1)

/** What a script may say of its dump, as JSON text, in UTF-8 bytes. */
export const MAX_METADATA_BYTES = 256 * 1024

/**
 * What lies beside each stored object and explains it without the manager: of what it is a backup, how to open it, and
 * what it must be. It holds no secret. A reader passes over fields that it does not know; one that changes the meaning
 * of others comes with another `version`.
 */
export const objectManifestSchema = z.looseObject({
  kind: z.literal('osb-backup-object'),
  /** 1: without `chunks`. */
  version: z.literal([1, 2]),
  /** The object's name without the path to it, so that both may be moved together. */
  object: text,
  /** The service instance, as the manager knows it; absent where the request did not name it. */
  instance: z.looseObject({ id: text.optional(), name: z.string().optional() }).optional(),
  plan: z.looseObject({ id: text.optional(), name: z.string().optional() }).optional(),
  /** The database that was dumped, and its host. */
  item: text,
  host: z.string().optional(),
  job: text.optional(),
  startedAt: z.iso.datetime(),
  storedAt: z.iso.datetime(),
  stored: z.object({ sizeBytes: size, sha256: digest }),
  /** The SHA-256 of each chunk of the stored object; all chunks but the last have the same size. */
  chunks: z
    .object({
      sizeBytes: z
        .int()
        .min(64 * 1024)
        .max(64 * 1024 * 1024),
      sha256: z.array(digest),
    })
    .optional(),
  /** Before compression and encryption; absent for files that scripts created, which are stored as they are. */
  original: z.object({ sizeBytes: size, sha256: digest }).optional(),
  /** What was done to it, in this order. Undone in reverse. */
  transforms: z.object({
    compression: z.enum(['none', 'gzip', 'zstd']),
    encryption: z.enum(['none', 'age', 'script']),
  }),
  /** The plan's flag, as the scripts were given it; absent in older manifests. */
  compressionRequested: z.boolean().optional(),
  /** The age recipients that can open it. Public keys. */
  recipients: z.array(text),
  /** The scripts that created it, and that can restore it. */
  scriptPack: z
    .looseObject({
      name: z.string().optional(),
      version: z.string().optional(),
      form: z.int(),
      type: z.string().optional(),
    })
    .optional(),
  /** What the scripts need at a restore and the dump does not contain; opaque to everything else. */
  metadata: z.record(z.string(), z.unknown()).optional(),
})
export type ObjectManifest = z.infer<typeof objectManifestSchema>
