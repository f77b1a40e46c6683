/** Identifies a request that starts a job when it is sent again. */
export interface IdempotencyKey {
  callerId: string
  key: string
  /** Of path and body: the same key with another request is a mistake. */
  requestDigest: string
}
