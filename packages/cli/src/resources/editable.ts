import { isDeepStrictEqual } from 'node:util'
import type { BackupClient, Versioned } from '@osb-backup/client'
import {
  agentCreateSchema,
  channelCreateSchema,
  destinationSettingsSchema,
  instanceSettingsSchema,
  planSettingsSchema,
  policyCreateSchema,
  serviceBrokerCreateSchema,
} from '@osb-backup/protocol/v1'
import { Document, isMap, isScalar, type YAMLMap } from 'yaml'
import { z } from 'zod'
import { isObject } from '../input/document.ts'
import { channelResource } from './notifying.ts'
import { policyResource } from './policies.ts'
import type { Resource } from './resource.ts'
import { agentResource, destinationResource, instanceResource, planResource } from './resources.ts'
import { serviceBrokerResource } from './service-brokers.ts'

/** A resource whose entries can be edited. */
export interface EditableResource<T> {
  resource: Resource<T>
  /** What can be written. */
  settingsSchema: z.ZodType
  getVersioned(client: BackupClient, id: string): Promise<Versioned<T>>
  update(client: BackupClient, id: string, patch: object, version: string | undefined): Promise<T>
}

/** Erases the type of an entry, to keep resources of several kinds in one list. */
const erased = <T>(editable: EditableResource<T>) => editable as unknown as EditableResource<object>

/** Every resource that can be edited, by noun. */
export const editableResources: Readonly<Record<string, EditableResource<object>>> = {
  instance: erased({
    resource: instanceResource,
    settingsSchema: instanceSettingsSchema,
    getVersioned: ({ instances }, id) => instances.getVersioned(id),
    update: ({ instances }, id, patch, version) => instances.update(id, patch, { version }),
  }),
  agent: erased({
    resource: agentResource,
    settingsSchema: agentCreateSchema,
    getVersioned: ({ agents }, id) => agents.getVersioned(id),
    update: ({ agents }, id, patch, version) => agents.update(id, patch, { version }),
  }),
  destination: erased({
    resource: destinationResource,
    settingsSchema: destinationSettingsSchema,
    getVersioned: ({ destinations }, id) => destinations.getVersioned(id),
    update: ({ destinations }, id, patch, version) => destinations.update(id, patch, { version }),
  }),
  channel: erased({
    resource: channelResource,
    settingsSchema: channelCreateSchema,
    getVersioned: ({ notificationChannels }, id) => notificationChannels.getVersioned(id),
    update: ({ notificationChannels }, id, patch, version) => notificationChannels.update(id, patch, { version }),
  }),
  policy: erased({
    resource: policyResource,
    settingsSchema: policyCreateSchema,
    getVersioned: ({ policies }, id) => policies.getVersioned(id),
    update: ({ policies }, id, patch, version) => policies.update(id, patch, { version }),
  }),
  'service-broker': erased({
    resource: serviceBrokerResource,
    settingsSchema: serviceBrokerCreateSchema,
    getVersioned: ({ serviceBrokers }, id) => serviceBrokers.getVersioned(id),
    update: ({ serviceBrokers }, id, patch, version) => serviceBrokers.update(id, patch, { version }),
  }),
  plan: erased({
    resource: planResource,
    settingsSchema: planSettingsSchema,
    getVersioned: ({ plans }, id) => plans.getVersioned(id),
    update: ({ plans }, id, patch, version) => plans.update(id, patch, { version }),
  }),
}

/** What of an entry can be written: its fields that the schema of its settings knows. */
export function writableOf(entry: unknown, schema: z.core.$ZodType): unknown {
  const inner = unwrap(schema, entry)
  if (inner instanceof z.ZodObject && isObject(entry)) {
    const fields = Object.entries(inner.shape).flatMap(([name, field]) => {
      const value = entry[name] === undefined ? undefined : writableOf(entry[name], field)
      const isEmpty = isObject(value) && Object.keys(value).length === 0
      return value === undefined || isEmpty ? [] : [[name, value] as const]
    })
    return Object.fromEntries(fields)
  }
  if (inner instanceof z.ZodArray && Array.isArray(entry)) return entry.map((each) => writableOf(each, inner.element))
  return entry
}

function unwrap(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return unwrap(schema.unwrap(), value)
  }
  if (schema instanceof z.ZodDiscriminatedUnion && isObject(value)) {
    const { discriminator } = schema.def
    const variant = schema.options.find((each) => {
      const kind = (each as z.ZodObject).shape[discriminator]
      if (kind instanceof z.ZodEnum) return kind.options.includes(value[discriminator] as string)
      return kind instanceof z.ZodLiteral && kind.value === value[discriminator]
    })
    return variant ?? schema
  }
  return schema
}

/** An entry as YAML with a comment for each field, and for those that are not set an example that is commented out. */
export function toCommentedYaml(settings: unknown, schema: z.core.$ZodType, heading: string): string {
  const document = new Document(settings)
  document.commentBefore = heading
  if (isMap(document.contents)) commentFields(document.contents, settings, schema)
  return document.toString({ lineWidth: 0 })
}

function commentFields(map: YAMLMap, value: unknown, schema: z.core.$ZodType): void {
  const inner = unwrap(schema, value)
  if (!(inner instanceof z.ZodObject) || !isObject(value)) return
  for (const pair of map.items) {
    const name = isScalar(pair.key) ? String(pair.key.value) : String(pair.key)
    const field = inner.shape[name]
    if (field === undefined) continue
    const { description } = metaOf(field)
    if (isScalar(pair.key) && description !== undefined) pair.key.commentBefore = ` ${description}`
    if (isMap(pair.value)) commentFields(pair.value, value[name], field)
  }
  const absent = Object.entries(inner.shape).filter(([name]) => value[name] === undefined)
  const lines = absent.map(([name, field]) => {
    const { description, examples } = metaOf(field)
    const example = examples?.[0]
    const shown = example === undefined || typeof example === 'object' ? '' : ` ${JSON.stringify(example)}`
    return ` ${name}:${shown}${description === undefined ? '' : `  # ${description}`}`
  })
  if (lines.length > 0) map.comment = lines.join('\n')
}

/** What is said of a field, by itself or by what it makes optional. */
export function metaOf(field: z.core.$ZodType | undefined): { description?: string; examples?: readonly unknown[] } {
  if (field === undefined) return {}
  const meta = z.globalRegistry.get(field)
  if (meta?.description !== undefined) return meta as { description: string }
  return field instanceof z.ZodOptional ? metaOf(field.unwrap()) : {}
}

/**
 * The JSON merge patch (RFC 7396) that changes one document into another.
 *
 * @returns undefined if they are equal.
 */
export function mergePatchOf(from: unknown, to: unknown): Record<string, unknown> | undefined {
  if (!isObject(from) || !isObject(to)) return undefined
  // What one kind of store or channel has, the schema of another does not know, not even to remove it.
  if (from.kind !== to.kind) return to
  const patch: Record<string, unknown> = {}
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [before, after] = [from[name], to[name]]
    if (isDeepStrictEqual(before, after)) continue
    if (after === undefined || after === null) patch[name] = null
    else if (isObject(before) && isObject(after)) patch[name] = mergePatchOf(before, after) ?? {}
    else patch[name] = after
  }
  if (Object.keys(patch).length === 0) return undefined
  // The kind says which fields a store or a channel has: a patch is not valid without it.
  return typeof to.kind === 'string' ? { kind: to.kind, ...patch } : patch
}
