/** Half an upload: under which name, and since when. */
export interface HalfUpload {
  name: string
  /** Nothing older belongs to it. */
  since: Date
}
