import { z } from 'zod'

/** What a JSON merge patch (RFC 7396) of a document may hold: any of its fields, and null for those to be removed. */
export type MergePatch<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Field in keyof T]?: MergePatch<T[Field]> | null | undefined }
    : T

/**
 * The schema of the merge patches of a document. It knows the names and types of fields; whether the patched document is
 * whole, only `applyMergePatch` and the document's own schema can say. Of a discriminated union the discriminator stays
 * required.
 */
export function mergePatchSchema<T extends z.ZodType>(schema: T): z.ZodType<MergePatch<z.input<T>>> {
  return patched(schema) as unknown as z.ZodType<MergePatch<z.input<T>>>
}

function patched(schema: z.core.$ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return withMeta(patched(schema.unwrap()), schema)
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const { discriminator } = schema.def
    const variants = schema.options.map((variant) => patchedObject(variant as z.ZodObject, discriminator))
    return withMeta(z.discriminatedUnion(discriminator, variants as [z.ZodObject, ...z.ZodObject[]]), schema)
  }
  if (schema instanceof z.ZodObject) return withMeta(patchedObject(schema), schema)
  return schema as z.ZodType
}

function patchedObject(schema: z.ZodObject, discriminator?: string): z.ZodObject {
  const fields = Object.entries(schema.shape).map(([name, field]) => {
    const inner = patched(field)
    return [name, name === discriminator ? inner : withMeta(inner.nullable().optional(), inner)] as const
  })
  return z.strictObject(Object.fromEntries(fields))
}

function withMeta<T extends z.ZodType>(schema: T, source: z.core.$ZodType): T {
  const { id: _, ...meta } = z.globalRegistry.get(source) ?? {}
  return Object.keys(meta).length === 0 ? schema : schema.meta(meta)
}

/** Applies a JSON merge patch (RFC 7396). Neither argument is changed. */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged: Record<string, unknown> = isObject(document) ? { ...document } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else if (value !== undefined) merged[name] = applyMergePatch(merged[name], value)
  }
  return merged
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
