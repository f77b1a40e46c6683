import { z } from 'zod'

/**
 * Readers for what existing clients send. They coerce where those clients are sloppy, and only there: `"7"` and
 * `7.9` read as 7, `"true"` as true, null as absent. (compat page "rest-api", section Entities.)
 */

/** A whole number of at least `minimum`, also sent as a string or with decimals, which are cut. */
export const lenientInteger = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  z.preprocess((value) => {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    return typeof number === 'number' ? Math.trunc(number) : number
  }, z.int().min(minimum).max(maximum))

/** True or false, also sent as the word. */
export const lenientBoolean = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean(),
)

/** Text that may be null or absent on the wire. */
export const optionalText = (maximum: number) =>
  z.preprocess((value) => value ?? undefined, z.string().max(maximum).optional())

/** Wraps a schema so that null reads as absent. */
export const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => value ?? undefined, schema.optional())

/** Wraps a schema so that what cannot be read counts as absent, for what clients send along and requests were never refused for. */
export const ignoringInvalid = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined)

/** Replaces a secret in every answer. Sent back, it means "keep the stored one". */
export const MASKED_SECRET = '***'
