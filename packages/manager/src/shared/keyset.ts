/** One page of a list, by the place where the page before ended: every page costs the same. */
export interface KeysetRequest {
  limit: number
  /** The key of the last entry of the page before; undefined: the first page. */
  after: readonly string[] | undefined
}

/** The entries of one page. */
export interface KeysetPage<T> {
  entries: T[]
  /** The key of each entry. */
  keys: string[][]
  /** The key of the last entry; undefined: this is the last page. */
  next: string[] | undefined
}
