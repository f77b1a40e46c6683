import type { Page } from '@osb-backup/protocol'
import { about } from '@osb-backup/protocol'
import { z } from 'zod'
import type { PageRequest } from '../../shared/page.ts'

const MAX_PAGE_SIZE = 2000

/** Paging as clients send it: also `size=undefined&page=NaN`. */
export const pagingQuery = z.object({
  page: z.string().optional().meta(about('Page number, from 0', '0')),
  size: z.string().optional().meta(about('Entries per page, 2000 at most', '50')),
  sort: z.string().optional().meta(about('property,asc or property,desc', 'startDate,desc')),
})

/**
 * Reads paging leniently: an invalid number counts as absent, a size below 1 as the default, a large one is capped.
 */
export function readPaging(query: z.infer<typeof pagingQuery>, defaultSize: number): PageRequest {
  const size = wholeNumber(query.size)
  const [property, direction] = (query.sort ?? '').split(',', 2)
  return {
    number: Math.min(wholeNumber(query.page) ?? 0, 1_000_000_000),
    size: size === undefined || size < 1 ? defaultSize : Math.min(size, MAX_PAGE_SIZE),
    sort: property ? { property, descending: direction?.toLowerCase() === 'desc' } : undefined,
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** Puts the entries of one page into the shape that every list answers in. */
export function toPage<T>(content: T[], totalElements: number, request: PageRequest): Page<T> {
  const totalPages = Math.ceil(totalElements / request.size)
  const sorted = request.sort !== undefined
  const sort = { sorted, unsorted: !sorted, empty: !sorted }
  return {
    content,
    pageable: {
      sort,
      offset: request.number * request.size,
      pageNumber: request.number,
      pageSize: request.size,
      paged: true,
      unpaged: false,
    },
    last: request.number >= totalPages - 1,
    totalPages,
    totalElements,
    size: request.size,
    number: request.number,
    sort,
    first: request.number === 0,
    numberOfElements: content.length,
    empty: content.length === 0,
  }
}
