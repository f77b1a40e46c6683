/** An upload that a killed process left: under which name, and since when. */
export interface UnfinishedUpload {
  name: string
  /** Nothing older belongs to it, by the store's clock: whoever says this allows for a difference. */
  since: Date
}

/** An upload that became no object so far. */
export interface StartedUpload {
  /** What `removeUnfinished` takes. */
  name: string
  startedAt: Date
}
