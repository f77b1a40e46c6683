import type { BackupClient } from '@osb-backup/client'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import type { Io } from '../io.ts'
import { parseInstant } from '../output/units.ts'
import { alarmResource, channelResource } from '../resources/notifying.ts'
import { policyResource } from '../resources/policies.ts'
import { findId, type Resource } from '../resources/resource.ts'
import {
  agentResource,
  destinationResource,
  instanceResource,
  jobResource,
  planResource,
} from '../resources/resources.ts'
import { serviceBrokerResource } from '../resources/service-brokers.ts'

/** Filters whose value names an entry of another resource. */
const references: Readonly<Record<string, Resource<never>>> = {
  instance: instanceResource as Resource<never>,
  agent: agentResource as Resource<never>,
  destination: destinationResource as Resource<never>,
  plan: planResource as Resource<never>,
  policy: policyResource as Resource<never>,
  job: jobResource as Resource<never>,
  alarm: alarmResource as Resource<never>,
  channel: channelResource as Resource<never>,
  serviceBroker: serviceBrokerResource as Resource<never>,
}
const paging = new Set(['limit', 'cursor'])

/** Adds an option for each filter of a list. */
export function addFilterOptions(command: Command, { querySchema }: Resource<never>, io: Io): void {
  for (const [name, field] of Object.entries(querySchema.shape)) {
    if (!paging.has(name)) command.addOption(optionOf(name, field as z.ZodType, io))
  }
}

function optionOf(name: string, field: z.ZodType, io: Io): Option {
  const description = z.globalRegistry.get(field)?.description ?? ''
  const choices = choicesOf(field)
  if (choices?.join() === 'true,false') {
    return new Option(`--${kebab(name)} [boolean]`, description).choices([...choices]).preset('true')
  }
  if (choices !== undefined) return new Option(`--${kebab(name)} <${kebab(name)}>`, description).choices([...choices])
  if (name === 'since' || name === 'until') {
    return new Option(
      `--${name} <time>`,
      `${description}: RFC 3339, a local date, or a duration ago such as 2h`,
    ).argParser((text: string) => instantArgument(text, io))
  }
  return new Option(`--${kebab(name)} <${name === 'q' ? 'text' : kebab(name)}>`, description)
}

/** Reads an instant of the command line. */
export function instantArgument(text: string, io: Io): string {
  const instant = parseInstant(text, io.now())
  if (instant === undefined) {
    throw new InvalidArgumentError(
      'Use RFC 3339, a local date such as 2026-03-01 or "2026-03-01 14:00", or a duration ago such as 2h or 7d.',
    )
  }
  return instant
}

/** The values of an enumeration, which may be optional. */
export function choicesOf(field: unknown): readonly string[] | undefined {
  if (field instanceof z.ZodOptional) return choicesOf(field.unwrap())
  return field instanceof z.ZodEnum ? field.options.map(String) : undefined
}

/** The query of a list: what was given, with names and beginnings of ids resolved. */
export async function queryOf(
  client: BackupClient,
  { querySchema }: Resource<never>,
  options: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const query: Record<string, unknown> = {}
  for (const name of Object.keys(querySchema.shape)) {
    const value = options[name]
    if (value === undefined || paging.has(name)) continue
    const reference = references[name]
    query[name] = reference === undefined ? value : await findId(client, reference, String(value))
  }
  return query
}

/** `olderThanSeconds` → `older-than-seconds`. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
