import { type Binary, DBRef, ObjectId } from 'bson'

const MAX_DEPTH = 100

/** A document with plain values only: ids and references as texts, numbers as numbers, instants as dates. */
export type PlainDocument = Record<string, unknown>

/**
 * Converts a decoded document. References become the id that they refer to; types that the old manager never wrote are left out.
 *
 * @throws {TypeError} If it is no document.
 */
export function toPlainDocument(value: unknown): PlainDocument {
  const plain = toPlain(value, 0)
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain) || plain instanceof Date) {
    throw new TypeError('not a document')
  }
  return plain as PlainDocument
}

function toPlain(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new RangeError('nested too deeply')
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : (value ?? undefined)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value
  if (value instanceof ObjectId) return value.toHexString()
  if (value instanceof DBRef) return toPlain(value.oid, depth + 1)
  if (Array.isArray(value)) return value.map((each) => toPlain(each, depth + 1))
  if ('_bsontype' in value) return ofBsonType(value as { _bsontype: string })
  const entries = Object.entries(value).filter(([key]) => key !== '__proto__')
  return Object.fromEntries(entries.map(([key, each]) => [key, toPlain(each, depth + 1)]))
}

function ofBsonType(value: { _bsontype: string }): unknown {
  switch (value._bsontype) {
    case 'Long':
    case 'Int32':
    case 'Double':
      return Number(value.toString())
    case 'Binary':
      return (value as Binary).sub_type === 4 ? (value as Binary).toUUID().toString() : undefined
    default:
      return undefined
  }
}
