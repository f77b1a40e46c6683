import { setTimeout as sleep } from 'node:timers/promises'
import type { BackupClient } from '@osb-backup/client'
import { alarmSeverities, type ChannelCreate, channelCreateSchema, type Notification } from '@osb-backup/protocol/v1'
import { Option } from 'commander'
import { z } from 'zod'
import { CliError, exitCodes, UsageError } from '../exit-code.ts'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { isObject, readObject, resolveReferences } from '../input/document.ts'
import { readSecret } from '../input/secret.ts'
import { editableResources } from '../resources/editable.ts'
import { channelResource, notificationResource } from '../resources/notifying.ts'
import { findId } from '../resources/resource.ts'
import { instanceResource, planResource } from '../resources/resources.ts'
import { isSecretField } from '../resources/secret-fields.ts'
import type { Session } from '../session.ts'
import { addFieldOptions, collected, fieldsOf } from './create-options.ts'
import { addEdit } from './edit.ts'
import { choicesOf } from './filters.ts'
import { requireFields } from './instances.ts'
import type { Program } from './program-context.ts'
import { addDelete, addResourceCommand } from './resource-commands.ts'
import { durationArgument } from './start-jobs.ts'

const transports = channelCreateSchema.shape.transport.options as readonly z.ZodObject[]
const kinds = transports.flatMap(({ shape }) =>
  shape.kind instanceof z.ZodLiteral ? [String(shape.kind.value)] : (choicesOf(shape.kind) ?? []),
)
const POLL_MS = 250
const TEST_TIMEOUT_SECONDS = 60

type TransportFields = Partial<Record<string, unknown>>
interface CreateOptions extends Record<string, unknown> {
  file?: string
  name?: string
  kind?: string
  receiverUrl?: string
  urlFile?: string
  to?: string[]
  plan?: string
  minimumSeverity?: (typeof alarmSeverities)[number]
  instance?: string[]
}

/** Adds `channel` and `notification`. */
export function addChannelCommands(program: Program): void {
  const { action } = program
  const channel = addResourceCommand(program, channelResource, 'Manage whom alarms are sent to')
  const create = channel
    .command('create')
    .description('Create a notification channel')
    .option(
      '-f, --file <file>',
      'YAML or JSON with the fields of the API (- for standard input); options take precedence',
    )
    .option('--name <name>', 'a name for people')
    .addOption(new Option('--kind <kind>', 'how messages are delivered').choices(kinds))
    .option('--receiver-url <url>', 'where messages are posted (alertmanager, webhook)')
    .option(
      '--url-file <file>',
      'file that contains the secret URL, or - for standard input (slack, mattermost, teams, healthchecks)',
    )
    .option('--to <address>', 'who gets the messages; may be repeated (email)', collected)
    .option('--plan <plan>', 'the plan whose backups ping the check: name or ID (healthchecks)')
  const fields = addFieldOptions(create, transports, ['kind', 'url', 'to', 'planId'])
  create
    .addOption(
      new Option('--minimum-severity <severity>', 'only alarms as severe as this, or more').choices([
        ...alarmSeverities,
      ]),
    )
    .option('--instance <instance>', 'only alarms of this service instance; may be repeated', collected)
    .addHelpText(
      'after',
      `
Examples:
  osb-backup channel create --name on-call --kind email --host mail.example.org --port 587 --security starttls \\
    --from backup@example.org --to dba@example.org --minimum-severity warning
  osb-backup channel create --name chat --kind slack --url-file webhook-url.txt`,
    )
    .action(
      action(async (session, options: CreateOptions) => {
        const client = await session.client()
        const request = await requestOf(session, options, await fieldsOf(session.io, fields, options))
        requireFields(request, channelCreateSchema.shape, { name: '--name', transport: '--kind' })
        const created = await client.notificationChannels.create(request as ChannelCreate, {
          idempotencyKey: newIdempotencyKey(),
        })
        session.printer.value(created, { name: created.id, human: () => [`Created the channel ${created.id}.`] })
        session.printer.note(`Next: osb-backup channel test ${created.id}`)
      }),
    )
  channel
    .command('test')
    .description('Send a test message, and wait until it is delivered; exits with 1 if it is not')
    .argument('<channel>', 'ID, unique beginning of an ID, or name')
    .addOption(
      new Option('--timeout <duration>', 'wait at most this long')
        .argParser(durationArgument)
        .default(TEST_TIMEOUT_SECONDS, '1m'),
    )

    .action(action(testChannel))
  addResourceCommand(program, notificationResource, 'Read what was delivered to channels, and what was not')
  addEdit(program, channel, editableResources.channel as never)
  addDelete(program, channel, channelResource, {
    consequence: () => 'It notifies of no alarm any more, and its delivery log is deleted.',
    delete: (client, id) => client.notificationChannels.delete(id),
  })
}

async function requestOf(
  session: Session,
  options: CreateOptions,
  fields: TransportFields,
): Promise<Record<string, unknown>> {
  const client = await session.client()
  const { file, name, minimumSeverity, instance = [] } = options
  const document =
    file === undefined
      ? {}
      : ((await resolveReferences(session.io, await readObject(session.io, file))) as Record<string, unknown>)
  const transport = {
    ...(isObject(document.transport) ? document.transport : {}),
    ...(options.kind === undefined ? {} : { kind: options.kind }),
    ...fields,
    ...(options.to === undefined ? {} : { to: options.to }),
    ...(options.plan === undefined ? {} : { planId: await findId(client, planResource, options.plan) }),
  }
  const url = await urlOf(session, options, transport)
  const instances: string[] = []
  for (const each of instance) instances.push(await findId(client, instanceResource, each))
  const rule = {
    ...(minimumSeverity === undefined ? {} : { minimumSeverity }),
    ...(instances.length === 0 ? {} : { instances }),
  }
  return {
    ...document,
    ...(name === undefined ? {} : { name }),
    ...(Object.keys(rule).length === 0 ? {} : { rules: [rule] }),
    transport:
      Object.keys(transport).length === 0 ? undefined : { ...transport, ...(url === undefined ? {} : { url }) },
  }
}

/** The URL of the receiver: a secret one is read from a file, so that no command line has it. */
async function urlOf(
  { io }: Session,
  { receiverUrl, urlFile }: CreateOptions,
  transport: TransportFields,
): Promise<string | undefined> {
  if (receiverUrl === undefined && urlFile === undefined) return undefined
  const isSecret = isSecretField('url', transport)
  if (isSecret && receiverUrl !== undefined)
    throw new UsageError(`The URL of a ${String(transport.kind)} channel is a secret.`, {
      hint: 'Pass it in a file, with --url-file.',
    })
  return urlFile === undefined ? receiverUrl : (await readSecret(io, urlFile, 'the URL')).trim()
}

async function testChannel(session: Session, { timeout }: { timeout: number }, name: string): Promise<void> {
  const { io, printer } = session
  const client = await session.client()
  const id = await findId(client, channelResource, name)
  const sent = await client.notificationChannels.test(id, { signal: io.signal })
  printer.note('Sent a test message; waiting until it is delivered…')
  const ended = await delivered(client, sent, { signal: io.signal, timeoutSeconds: timeout })
  printer.value(ended, { name: ended.id, human: () => [outcomeOf(ended)] })
  if (ended.state !== 'delivered') process.exitCode = exitCodes.failed
}

/** Reads a notification until its first attempt has succeeded or failed. */
async function delivered(
  client: BackupClient,
  { id }: Notification,
  { signal, timeoutSeconds }: { signal: AbortSignal; timeoutSeconds: number },
): Promise<Notification> {
  const limit = AbortSignal.timeout(timeoutSeconds * 1000)
  for (;;) {
    const notification = await client.notifications.get(id, { signal })
    if (notification.state !== 'waiting') return notification
    if (limit.aborted)
      throw new CliError(`The test message was not sent within ${timeoutSeconds} s; it remains queued.`, {
        exitCode: exitCodes.timedOut,
      })
    await sleep(POLL_MS, undefined, { signal })
  }
}

const outcomeOf = ({ state, error }: Notification) =>
  state === 'delivered' ? 'The test message was delivered.' : `The test message was not delivered: ${error ?? state}`
