/** A service instance that is unprotected on purpose, until an instant. */
export interface Exemption {
  id: string
  /** Incremented by every change. */
  version: number
  instanceId: string
  reason: string
  /** Who decided it. */
  exemptedBy: { kind: string; id: string; name: string }
  expiresAt: Date
  createdAt: Date
}
