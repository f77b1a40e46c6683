import { z } from 'zod'
import { about } from '../about.ts'

const sortSchema = z.object({
  sorted: z.boolean().meta(about('Whether it is sorted', false)),
  unsorted: z.boolean().meta(about('Whether it is not', true)),
  empty: z.boolean().meta(about('Whether it is empty', false)),
})

/** The shape of every list, page numbers counted from 0. */
export const pageSchema = <T extends z.ZodType>(content: T) =>
  z.object({
    content: z.array(content),
    pageable: z.object({
      sort: sortSchema,
      offset: z.int().meta(about('Entries before this page', 0)),
      pageNumber: z.int().meta(about('Page, from 0', 0)),
      pageSize: z.int().meta(about('Entries per page', 50)),
      paged: z.boolean().meta(about('Always true', true)),
      unpaged: z.boolean().meta(about('Always false', false)),
    }),
    last: z.boolean().meta(about('Whether it is the last page', true)),
    totalPages: z.int().meta(about('Pages', 1)),
    totalElements: z.int().meta(about('Entries on all pages', 1)),
    size: z.int().meta(about('Entries per page', 50)),
    number: z.int().meta(about('Page, from 0', 0)),
    sort: sortSchema,
    first: z.boolean().meta(about('Whether it is the first page', true)),
    numberOfElements: z.int().meta(about('Entries on this page', 1)),
    empty: z.boolean().meta(about('Whether it is empty', false)),
  })

export type Page<T> = Omit<z.infer<ReturnType<typeof pageSchema>>, 'content'> & { content: T[] }
