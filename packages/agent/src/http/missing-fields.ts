import type { RunKind } from '@osb-backup/core'
import type { AgentDatabase } from '@osb-backup/protocol'
import type { StoreKind } from '@osb-backup/storage/kinds'
import type { RequestBody } from './read-body.ts'

const databaseFields = ['database', 'host', 'password', 'username'] as const satisfies readonly (keyof AgentDatabase &
  string)[]

function absent(value: object | undefined, names: readonly string[]): string[] {
  const fields: Record<string, unknown> = { ...value }
  return names.filter((name) => fields[name] === undefined || fields[name] === '')
}

/**
 * Names the missing fields of a request in the published format: `body is missing essential fields: encryption_key
 * destination( authKey) backup( host)`.
 *
 * @returns The sentence; undefined if nothing is missing.
 */
export function missingFields(kind: RunKind, { agent }: StoreKind, body: RequestBody): string | undefined {
  const waived = agent.waivedFields?.({ ...body.destination }) ?? []
  const required = agent.requiredFields.filter((field) => !waived.includes(field))
  const inDestination = absent(body.destination, [...required, ...(kind === 'restore' ? ['filename'] : [])])
  const inDatabase = absent(body.database, databaseFields)
  const inBody = absent(body, ['encryption_key'])
  if (inBody.length + inDestination.length + inDatabase.length === 0) return undefined
  inDestination.push(...absent(body.destination, agent.expectedFields))
  const parts = [
    ...inBody.map((name) => ` ${name}`),
    ...group('destination', inDestination),
    ...group(kind, inDatabase),
  ]
  return `body is missing essential fields:${parts.join('')}`
}

const group = (name: string, fields: readonly string[]): string[] =>
  fields.length === 0 ? [] : [` ${name}(${fields.map((field) => ` ${field}`).join('')})`]
