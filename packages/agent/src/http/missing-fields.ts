import type { RunKind } from '@osb-backup/core'
import type { AgentDatabase, AgentDestination } from '@osb-backup/protocol'
import type { RequestBody } from './read-body.ts'

type Field<T> = keyof T & string

/** What each type of destination needs, in the published order. */
const needed = {
  S3: ['authKey', 'authSecret', 'bucket'],
  SWIFT: ['authUrl', 'domain', 'container_name', 'project_name', 'username', 'password'],
  FILE: ['directory'],
} as const satisfies Record<string, readonly Field<AgentDestination>[]>

/** A type of destination that this agent can be asked for. */
export type DestinationType = keyof typeof needed

/** Whether a destination is of a type that agents know. */
export const isDestinationType = (type: string): type is DestinationType => Object.hasOwn(needed, type)

const databaseFields = ['database', 'host', 'password', 'username'] as const satisfies readonly Field<AgentDatabase>[]

function absent<T>(value: Partial<T> | undefined, names: readonly (keyof T & string)[]): string[] {
  return names.filter((name) => value?.[name] === undefined || value[name] === '')
}

/**
 * Names what a request lacks, spelt as existing clients know it:
 * `body is missing essential fields: encryption_key destination( authKey) backup( host)`.
 *
 * @returns The sentence, or undefined if all is there. `filenamePrefix` of an S3 destination is named along with
 *   others, as published, but alone it is no reason to refuse: older managers do not send it.
 */
export function missingFields(kind: RunKind, type: DestinationType, body: RequestBody): string | undefined {
  const inDestination: string[] = absent(body.destination, [
    ...needed[type],
    ...(kind === 'restore' ? (['filename'] as const) : []),
  ])
  const inDatabase = absent(body.database, databaseFields)
  const inBody = absent(body, ['encryption_key'])
  if (inBody.length + inDestination.length + inDatabase.length === 0) return undefined
  if (type === 'S3' && !body.destination?.filenamePrefix) inDestination.push('filenamePrefix')
  const parts = [
    ...inBody.map((name) => ` ${name}`),
    ...group('destination', inDestination),
    ...group(kind, inDatabase),
  ]
  return `body is missing essential fields:${parts.join('')}`
}

const group = (name: string, fields: readonly string[]): string[] =>
  fields.length === 0 ? [] : [` ${name}(${fields.map((field) => ` ${field}`).join('')})`]
