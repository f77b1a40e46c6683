/** Identifies a request that creates something when it is sent again. */
export interface IdempotencyKey {
  callerId: string
  key: string
  /** Of path and body: the same key with another request is a mistake. */
  requestDigest: string
}
