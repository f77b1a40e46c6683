import { isDeepStrictEqual } from 'node:util'

/** Whether two values are the same once they are stored: fields that are undefined and fields that are absent are. */
export function isSameJson(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(toJson(one), toJson(other))
}

const toJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))
