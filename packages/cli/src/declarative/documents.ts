import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  agentCreateSchema,
  channelCreateSchema,
  destinationCreateSchema,
  instanceCreateSchema,
  labelField,
  planCreateSchema,
  policyCreateSchema,
} from '@osb-backup/protocol/v1'
import { z } from 'zod'
import { UsageError } from '../exit-code.ts'
import { isObject, readDocuments } from '../input/document.ts'
import { nearest } from '../input/nearest.ts'
import type { Io } from '../io.ts'
import { isSecretField } from '../resources/secret-fields.ts'

const MAXIMUM_FILES = 10_000

const reference = (what: string) =>
  z
    .string()
    .min(1)
    .max(200)
    .meta({ description: `${what}: name or ID` })

/** A secret: the text itself, or where it is read from when it is sent. */
const secretSource = z.union([
  z.string(),
  z.strictObject({ fromEnv: z.string().min(1).meta({ description: 'Environment variable that contains it' }) }),
  z.strictObject({ fromFile: z.string().min(1).meta({ description: 'File that contains it' }) }),
])

const { agentId: _agentId, otherAgents, ...instanceFields } = instanceCreateSchema.shape
const { instanceId: _owner, ...destinationFields } = destinationCreateSchema.shape
const { instanceId: _planOwner, destinationId: _destinationId, ...planFields } = planCreateSchema.shape

const transports = channelCreateSchema.shape.transport.options.map((transport) => {
  if (!('planId' in transport.shape)) return transport
  const { planId: _plan, ...fields } = transport.shape
  return z.strictObject({ ...fields, plan: reference('The backup plan, as `instance/name`') })
})
/** URLs that let anybody post. */
const secretUrls = new Set<unknown>(
  transports.flatMap(({ shape }) => {
    const [kind] = shape.kind instanceof z.ZodEnum ? shape.kind.options : shape.kind.values
    return 'url' in shape && isSecretField('url', { kind }) ? [shape.url] : []
  }),
)

/** What a document may contain, by kind. The fields are those of the API; other resources are named by name. */
const schemas = {
  agent: z.strictObject({
    kind: z.literal('agent'),
    ...agentCreateSchema.shape,
    name: agentCreateSchema.shape.name.unwrap().meta({ description: 'The name that identifies it' }),
  }),
  instance: z.strictObject({
    kind: z.literal('instance'),
    ...instanceFields,
    agent: reference('The agent beside the database'),
    otherAgents: z
      .array(
        otherAgents
          .unwrap()
          .element.omit({ agentId: true })
          .extend({ agent: reference('The agent') }),
      )
      .max(20)
      .optional()
      .meta(otherAgents.meta() ?? {}),
  }),
  destination: z.strictObject({
    kind: z.literal('destination'),
    instance: reference('The service instance that it belongs to'),
    ...destinationFields,
  }),
  plan: z.strictObject({
    kind: z.literal('plan'),
    instance: reference('The service instance that it backs up'),
    destination: reference('Where its backups are stored'),
    ...planFields,
  }),
  policy: z.strictObject({
    kind: z.literal('policy'),
    ...policyCreateSchema.shape,
    name: policyCreateSchema.shape.name.meta({ description: 'The name that identifies it' }),
  }),
  channel: z.strictObject({
    kind: z.literal('channel'),
    ...channelCreateSchema.shape,
    name: channelCreateSchema.shape.name.meta({ description: 'The name that identifies it' }),
    transport: z
      .discriminatedUnion('kind', transports as [(typeof transports)[number]])
      .meta({ description: 'How messages are delivered' }),
  }),
} as const

/** The kinds in the order in which they are applied: each may name those before it. */
export const documentKinds = ['agent', 'instance', 'destination', 'plan', 'policy', 'channel'] as const
export type DocumentKind = (typeof documentKinds)[number]

/** A document that was read. */
export interface DesiredDocument {
  kind: DocumentKind
  /** Where it stands, for messages. */
  source: string
  /** `shop-db/nightly`: what identifies it among those of its kind. */
  key: string
  /** Its fields but `kind`; secrets are not read yet. */
  fields: Record<string, unknown>
}

/**
 * Reads documents from files, directories (`*.yaml`, `*.yml`, `*.json`) or standard input (`-`), in the order of their kinds.
 *
 * @throws {UsageError} For the first mistake, with file and field.
 */
export async function readDesired(io: Io, paths: readonly string[]): Promise<DesiredDocument[]> {
  const desired: DesiredDocument[] = []
  for (const path of paths) {
    for (const file of await filesOf(path)) {
      const documents = await readDocuments(io, file)
      const named = file === '-' ? 'standard input' : file
      desired.push(
        ...documents.map((document, index) =>
          checked(document, documents.length > 1 ? `${named} (document ${index + 1})` : named),
        ),
      )
    }
  }
  if (desired.length === 0) throw new UsageError(`${paths.join(', ')}: there is no document.`)
  rejectDuplicates(desired)
  return documentKinds.flatMap((kind) => desired.filter((document) => document.kind === kind))
}

async function filesOf(path: string): Promise<string[]> {
  if (path === '-') return [path]
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`${path} cannot be read (${cause.code}).`, { cause })
  })
  if (!found.isDirectory()) return [path]
  const names = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort()
  if (names.length > MAXIMUM_FILES) throw new UsageError(`${path} has more than ${MAXIMUM_FILES} documents.`)
  return names.map((name) => join(path, name))
}

function checked(document: unknown, source: string): DesiredDocument {
  if (!isObject(document)) throw new UsageError(`${source}: a document must be a mapping with a "kind".`)
  const kind = documentKinds.find((each) => each === document.kind)
  if (kind === undefined) {
    const given = typeof document.kind === 'string' ? nearest(document.kind, documentKinds) : ''
    throw new UsageError(`${source}: "kind" must be one of ${documentKinds.join(', ')}.${given}`)
  }
  const read = schemas[kind].safeParse(withoutReferences(document))
  const issue = read.error?.issues.find((each) => !isAboutReference(each, document))
  if (issue !== undefined) {
    const path = issue.path.join('.')
    throw new UsageError(`${source}: ${path === '' ? '' : `${path}: `}${issue.message}`)
  }
  const { kind: _, ...fields } = document
  return { kind, source, key: keyOf(kind, fields), fields }
}

/** `{fromEnv: …}` and `{fromFile: …}` as texts, so that the schemas of the API fit. */
function withoutReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutReferences)
  if (!isObject(value)) return value
  if (isReference(value)) return 'reference'
  // Null removes a field: what is required cannot be missing, what is optional can.
  const present = Object.entries(value).filter(([, each]) => each !== null)
  return Object.fromEntries(present.map(([name, each]) => [name, withoutReferences(each)]))
}

/** Whether an issue is that a reference does not look like the text that it stands for. */
function isAboutReference({ code, path }: z.core.$ZodIssue, document: unknown): boolean {
  if (code !== 'invalid_format' && code !== 'too_small' && code !== 'too_big') return false
  const value = path.reduce<unknown>((outer, name) => (outer as Record<PropertyKey, unknown>)[name], document)
  return isReference(value)
}

/** Whether a value says where a text is read from. */
export function isReference(value: unknown): boolean {
  const names = isObject(value) ? Object.keys(value) : []
  return names.length === 1 && (names[0] === 'fromEnv' || names[0] === 'fromFile')
}

function keyOf(kind: DocumentKind, fields: Readonly<Record<string, unknown>>): string {
  switch (kind) {
    case 'agent':
    case 'channel':
    case 'policy':
      return String(fields.name)
    case 'instance':
      return String(fields.id)
    default:
      return `${fields.instance}/${fields.name}`
  }
}

/**
 * Gives all documents a label.
 *
 * @throws {UsageError} If one has another label, or it is not valid.
 */
export function withLabel(desired: readonly DesiredDocument[], label: string): DesiredDocument[] {
  const issue = labelField.safeParse(label).error?.issues[0]
  if (issue !== undefined) throw new UsageError(`--label: ${issue.message}`)
  return desired.map((document) => {
    const own = document.fields.label
    if (own !== undefined && own !== label) {
      throw new UsageError(
        `${document.source}: label: ${JSON.stringify(own)} is not ${JSON.stringify(label)}, which --label names.`,
      )
    }
    return { ...document, fields: { ...document.fields, label } }
  })
}

function rejectDuplicates(desired: readonly DesiredDocument[]): void {
  const seen = new Map<string, string>()
  for (const { kind, key, source } of desired) {
    const other = seen.get(`${kind} ${key}`)
    if (other !== undefined) throw new UsageError(`${source}: the ${kind} "${key}" is described in ${other} already.`)
    seen.set(`${kind} ${key}`, source)
  }
}

/** The JSON Schema of documents, for editors. */
export function documentJsonSchema(): object {
  const union = z.discriminatedUnion('kind', [
    schemas.agent,
    schemas.instance,
    schemas.destination,
    schemas.plan,
    schemas.policy,
    schemas.channel,
  ])
  return z.toJSONSchema(union, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema, path }) {
      const isText = zodSchema instanceof z.ZodString || zodSchema instanceof z.ZodOptional
      if (!(isText && isSecretField(String(path.at(-1)))) && !secretUrls.has(zodSchema)) return
      const { description } = jsonSchema
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
      Object.assign(jsonSchema, z.toJSONSchema(secretSource), { description })
      delete jsonSchema.$schema
    },
  })
}
