import type { PolicyCreate, PolicyPatch } from '@osb-backup/protocol/v1'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { CliError, UsageError } from '../exit-code.ts'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { isObject, readObject, resolveReferences } from '../input/document.ts'
import { confirm } from '../input/prompt.ts'
import type { Io } from '../io.ts'
import { localInstant } from '../output/describe.ts'
import { parseDuration, parseInstant } from '../output/units.ts'
import { editableResources } from '../resources/editable.ts'
import { policyAssignmentResource, policyExemptionResource, policyResource } from '../resources/policies.ts'
import { findEntry, findId } from '../resources/resource.ts'
import { instanceResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import { collected } from './create-options.ts'
import { addEdit } from './edit.ts'
import { requireFields } from './instances.ts'
import { previewLines } from './policy-preview.ts'
import type { Program } from './program-context.ts'
import { addDelete, addList, addResourceCommand, wholeNumber } from './resource-commands.ts'

interface PolicyOptions {
  file?: string
  name?: string
  description?: string
  priority?: number
  instances?: string[]
  services?: string[]
  servicePlans?: string[]
  organizations?: string[]
  spaces?: string[]
  labels?: string[]
  minimumRetentionDays?: number
  encryptionRequired?: boolean
}

/** Adds `policy`, with its exemptions. */
export function addPolicyCommands(program: Program): void {
  const { action } = program
  const policy = addResourceCommand(
    program,
    policyResource,
    'Manage policies: which service instances are backed up how, and what no plan may fall below',
  )
  withFields(policy.command('create').description('Create a policy; it is applied within a minute'))
    .addHelpText(
      'after',
      `
gold.yaml holds the template, with the fields of the API:

  template:
    schedule: {cron: '0 2 * * *', timezone: Europe/Berlin}
    retention: {style: gfs, keepDaily: 14, keepMonthly: 12}
    destination:
      store: {kind: s3, endpoint: 'https://s3.example', bucket: backups, authKey: key, authSecret: {fromEnv: S3_SECRET}}

Examples:
  osb-backup policy create --name gold --services postgresql --priority 100 -f gold.yaml
  osb-backup policy create --name floor --instances "*" --minimum-retention-days 14 --encryption-required`,
    )
    .action(
      action(async (session, options: PolicyOptions) => {
        const client = await session.client()
        const request = await requestOf(session, options)
        requireFields(request, { name: true, selector: true }, { name: '--name', selector: '--instances "*"' })
        const created = await client.policies.create(request as PolicyCreate, { idempotencyKey: newIdempotencyKey() })
        session.printer.value(created, { name: created.id, human: () => [`Created the policy ${created.id}.`] })
        session.printer.note(`Next: osb-backup policy assignments --policy ${created.name}`)
      }),
    )
  withFields(
    policy
      .command('preview')
      .description('Show which service instances get, change or lose plans, and what retention would delete')
      .argument('[policy]', 'the policy that would change; a new one by default'),
  )
    .option('--remove', 'preview the removal of the policy')
    .action(action(preview))
  const assignments = policy
    .command('assignments')
    .description('List service instances with the policy that each follows, and plans that are below a floor')
  addList(program, assignments, policyAssignmentResource)
  addEdit(program, policy, editableResources.policy as never)
  addDelete(program, policy, policyResource, {
    consequence: () => 'Restore points are kept.',
    delete: (client, id, { plans }) => client.policies.delete(id, { plans: plans as 'keep' | 'pause' | 'delete' }),
  }).addOption(
    new Option('--plans <what>', 'what becomes of its plans; restore points are kept in every case')
      .choices(['keep', 'pause', 'delete'])
      .default('keep'),
  )
  addExemptions(program, policy)
}

function withFields(command: Command): Command {
  return command
    .option(
      '-f, --file <file>',
      'YAML or JSON with the fields of the API (- for standard input); options take precedence',
    )
    .option('--name <name>', 'a unique name; its plans are named after it')
    .option('--description <text>', 'what it is for')
    .option('--priority <number>', 'of several policies that select an instance the largest wins', wholeNumber)
    .option('--instances <pattern>', 'ids of service instances it selects, with *; may be repeated', collected)
    .option('--services <pattern>', 'ids of their services; may be repeated', collected)
    .option('--service-plans <pattern>', 'ids of their service plans; may be repeated', collected)
    .option('--organizations <pattern>', 'GUIDs of their organizations; may be repeated', collected)
    .option('--spaces <pattern>', 'GUIDs of their spaces; may be repeated', collected)
    .option('--labels <pattern>', 'their labels; may be repeated', collected)
    .option('--minimum-retention-days <number>', 'restore points are kept at least so long', wholeNumber)
    .option('--encryption-required', 'plans must encrypt')
}

const selectorFields = ['instances', 'services', 'servicePlans', 'organizations', 'spaces', 'labels'] as const

/** What file and options say of a policy. */
async function requestOf({ io }: Session, options: PolicyOptions): Promise<Record<string, unknown>> {
  const { file, name, description, priority, minimumRetentionDays, encryptionRequired } = options
  const document = (file === undefined ? {} : await resolveReferences(io, await readObject(io, file))) as object
  const { selector, floor, ...rest } = document as Record<string, unknown>
  const lists = selectorFields.flatMap((field) => (options[field] === undefined ? [] : [[field, options[field]]]))
  const given = {
    ...(minimumRetentionDays === undefined ? {} : { minimumRetentionDays }),
    ...(encryptionRequired === undefined ? {} : { encryptionRequired }),
  }
  return {
    ...rest,
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(priority === undefined ? {} : { priority }),
    ...joined('selector', selector, Object.fromEntries(lists)),
    ...joined('floor', floor, given),
  }
}

function joined(field: string, read: unknown, given: object): Record<string, unknown> {
  if (read === undefined && Object.keys(given).length === 0) return {}
  return { [field]: isObject(read) || read === undefined ? { ...read, ...given } : read }
}

async function preview(
  session: Session,
  { remove = false, ...options }: PolicyOptions & { remove?: boolean },
  name: string | undefined,
): Promise<void> {
  const { printer } = session
  const client = await session.client()
  const request = await requestOf(session, options)
  if (name === undefined) {
    if (remove) throw new UsageError('--remove needs a policy.')
    requireFields(request, { name: true, selector: true }, { name: '--name', selector: '--instances "*"' })
    const shown = await client.policies.preview(request as PolicyCreate)
    return printer.value(shown, { name: String(request.name), human: () => previewLines(shown, printer.style) })
  }
  const id = await findId(client, policyResource, name)
  const shown = await client.policies.previewChange(id, remove ? { remove } : { change: request as PolicyPatch })
  printer.value(shown, { name: id, human: () => previewLines(shown, printer.style) })
}

function addExemptions(program: Program, policy: Command): void {
  const { action, io } = program
  policy
    .command('exempt')
    .description('Leave a service instance unprotected on purpose: no plans from policies, and no alarms of that')
    .argument('<instance>', 'ID, or unique beginning of an ID')
    .requiredOption('--reason <text>', 'why it needs no protection')
    .requiredOption('--until <time>', 'when that ends: a duration such as 30d, a local date, or RFC 3339', (text) =>
      laterInstant(text, io),
    )
    .action(
      action(async (session, { reason, until: expiresAt }: { reason: string; until: string }, name: string) => {
        const client = await session.client()
        const instanceId = await findId(client, instanceResource, name)
        const known = await exemptionOf(session, instanceId)
        const exemption =
          known === undefined
            ? await client.policyExemptions.create({ instanceId, reason, expiresAt })
            : await client.policyExemptions.update(known, { reason, expiresAt })
        session.printer.value(exemption, {
          name: exemption.id,
          human: () => [`${instanceId} is unprotected on purpose until ${localInstant(expiresAt)}.`],
        })
      }),
    )
  policy
    .command('unexempt')
    .description('End an exemption: the service instance is protected again within a minute')
    .argument('<instance>', 'ID, or unique beginning of an ID')
    .action(
      action(async (session, _options: object, name: string) => {
        const client = await session.client()
        const instanceId = await findId(client, instanceResource, name)
        const id = await exemptionOf(session, instanceId)
        if (id === undefined) throw new CliError(`The service instance "${instanceId}" is not exempt.`)
        if (!(await confirm(session.io, session.flags, `End the exemption of "${instanceId}"?`))) {
          throw new CliError('Nothing was changed.')
        }
        await client.policyExemptions.delete(id)
        session.printer.note(`The service instance "${instanceId}" is no longer exempt.`)
      }),
    )
  const exemptions = policy.command('exemptions').description('List service instances that are unprotected on purpose')
  addList(program, exemptions, policyExemptionResource)
  policy
    .command('exemption')
    .description('Show one of the exemptions')
    .argument('<exemption>', 'ID, unique beginning of an ID, or the service instance')
    .action(
      action(async (session, _options: object, name: string) => {
        const exemption = await findEntry(await session.client(), policyExemptionResource, name)
        session.printer.value(exemption, { name: exemption.id })
      }),
    )
}

/** The id of the exemption of an instance that has not expired. */
async function exemptionOf(session: Session, instanceId: string): Promise<string | undefined> {
  const client = await session.client()
  const { items } = await client.policyExemptions.list({ instance: instanceId, active: 'true' })
  return items[0]?.id
}

/** Reads when something ends. */
function laterInstant(text: string, io: Io): string {
  const seconds = parseDuration(text)
  if (seconds !== undefined) return new Date(io.now() + seconds * 1000).toISOString()
  const instant = parseInstant(text, io.now())
  if (instant === undefined) {
    throw new InvalidArgumentError('Use a duration such as 30d, a local date such as 2026-03-01, or RFC 3339.')
  }
  return instant
}
