import { z } from 'zod'
import { about } from '../about.ts'

export { about }

/** An id as the API gives them out. Opaque: nothing follows from its parts. */
export const idSchema = z.string().min(1).max(200)

/** An instant as the API reads and writes them: RFC 3339 in UTC. */
export const instantSchema = z.iso.datetime()

export const EXAMPLE_ID = '69a3a7c0f1d2b3c4d5e6f708'
export const EXAMPLE_INSTANT = '2026-03-01T02:00:00.000Z'

/** A label of a resource. */
export const labelField = z
  .string()
  .regex(/^[\w.:/-]{1,100}$/, 'must be 1 to 100 letters, digits or . _ : / -')
  .optional()
  .meta(
    about(
      'Names the set of resources that it is managed with: `osb-backup apply --label … --prune` maintains one',
      'shop',
    ),
  )

/** What maintains a plan or a destination. */
export const managedByField = z
  .string()
  .optional()
  .meta(
    about(
      'What maintains it, and alone changes it: `policy:` and the id of a policy, or `broker:` and the id of a service instance of the broker; absent: nothing does',
      'policy:69a3a7c0f1d2b3c4d5e6f708',
    ),
  )

/** A page of a list. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item).meta({ description: 'The entries of this page, newest first' }),
    nextCursor: z
      .string()
      .optional()
      .meta(about('Pass it as `cursor` to get the next page; absent on the last page', 'WyIyMDI2LTAzLTAxIl0')),
  })
export interface List<T> {
  items: T[]
  nextCursor?: string | undefined
}

/** Paging parameters of every list. */
export const pagingFields = {
  limit: z.coerce
    .number()
    .pipe(z.int().min(1).max(500))
    .optional()
    .meta(about('Entries per page, at most 500; 50 by default', 50)),
  cursor: z.string().max(1000).optional().meta(about('`nextCursor` of the previous page', 'WyIyMDI2LTAzLTAxIl0')),
}

/** Filters of several lists. */
export const filterFields = {
  instance: idSchema.optional().meta(about('Only what belongs to this service instance', 'shop-db')),
  plan: idSchema.optional().meta(about('Only what belongs to this backup plan', EXAMPLE_ID)),
  item: idSchema.optional().meta(about('Only what concerns this item', 'shop')),
  since: instantSchema.optional().meta(about('Only entries of this instant or later', EXAMPLE_INSTANT)),
  until: instantSchema.optional().meta(about('Only entries before this instant', '2026-04-01T00:00:00.000Z')),
}

/** Free-text search of a list. */
export const searchField = (searched: string) =>
  z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta(about(`Only entries with this text in ${searched}`, 'shop'))
