import { z } from 'zod'

const sortSchema = z.object({ sorted: z.boolean(), unsorted: z.boolean(), empty: z.boolean() })

/** The shape of every list, page numbers counted from 0. */
export const pageSchema = <T extends z.ZodType>(content: T) =>
  z.object({
    content: z.array(content),
    pageable: z.object({
      sort: sortSchema,
      offset: z.int(),
      pageNumber: z.int(),
      pageSize: z.int(),
      paged: z.boolean(),
      unpaged: z.boolean(),
    }),
    last: z.boolean(),
    totalPages: z.int(),
    totalElements: z.int(),
    size: z.int(),
    number: z.int(),
    sort: sortSchema,
    first: z.boolean(),
    numberOfElements: z.int(),
    empty: z.boolean(),
  })

export type Page<T> = Omit<z.infer<ReturnType<typeof pageSchema>>, 'content'> & { content: T[] }
