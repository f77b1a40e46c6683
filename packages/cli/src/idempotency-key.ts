import { randomUUID } from 'node:crypto'

/** So that a request whose answer was lost can be repeated without creating anything twice. */
export const newIdempotencyKey = (): string => randomUUID()
