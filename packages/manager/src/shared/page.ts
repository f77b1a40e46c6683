/** One page of a list, by number. */
export interface PageRequest {
  /** From 0. */
  number: number
  size: number
  sort: { property: string; descending: boolean } | undefined
}

/** The entries of one page, and how many there are on all pages. */
export interface PageOf<T> {
  entries: T[]
  total: number
}
