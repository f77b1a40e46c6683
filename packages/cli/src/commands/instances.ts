import type { BackupClient } from '@osb-backup/client'
import type { Instance, InstanceCreate, Item } from '@osb-backup/protocol/v1'
import { instanceCreateSchema } from '@osb-backup/protocol/v1'
import { InvalidArgumentError } from 'commander'
import { UsageError } from '../exit-code.ts'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { isObject, readObject, resolveReferences } from '../input/document.ts'
import {
  askParameters,
  checkParameters,
  declaredParameters,
  parameterHelp,
  rejectPlainSecrets,
  secretNames,
} from '../input/pack-parameters.ts'
import { readSecret } from '../input/secret.ts'
import { styleState } from '../output/style.ts'
import { formatRelative } from '../output/units.ts'
import { type EditableResource, editableResources } from '../resources/editable.ts'
import { findId } from '../resources/resource.ts'
import { agentResource, instanceResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import { addParameterOptions, collected, type ParameterOptions, parametersOf } from './create-options.ts'
import { addEdit, type EditExtension } from './edit.ts'
import type { Program } from './program-context.ts'
import { addDelete, addResourceCommand } from './resource-commands.ts'
import { addTrend } from './trend.ts'

interface Host {
  address: string
  port?: number
}

interface OtherAgent {
  agent: string
  host?: string
}

interface CreateOptions extends ParameterOptions {
  askParameters?: boolean
  file?: string
  pack?: string
  item?: string[]
  drillTarget?: boolean
  host?: Host[]
  backupHost?: string
  agent?: string
  otherAgent?: OtherAgent[]
  username?: string
  passwordFile?: string
  privilegedUsername?: string
  privilegedPasswordFile?: string
}

const ASK_PARAMETERS = 'ask for all parameters that its pack declares, secret ones hidden'

/** Adds `instance`. */
export function addInstanceCommands(program: Program): void {
  const { action } = program
  const instance = addResourceCommand(
    program,
    instanceResource,
    'Register service instances, and see how they are protected',
  )
  addParameterOptions(instance.command('create'), 'every script')
    .description('Register a service instance')
    .argument('[instance]', 'its ID, usually the one that the broker gave it')
    .option(
      '-f, --file <file>',
      'YAML or JSON with the fields of the API (- for standard input); options take precedence',
    )
    .option('--host <address[:port]>', 'machine of the instance; may be repeated', collectedHosts)
    .option('--backup-host <address>', 'of several machines the one that dumps are taken from')
    .option('--agent <agent>', 'the agent beside the database: name or ID')
    .option(
      '--other-agent <agent[=host]>',
      'of a cluster an agent on another node, and the address of that node; may be repeated',
      collectedAgents,
    )
    .option('--pack <pack>', 'the script pack that backs it up, where its agent has several: see "agent packs"')
    .option(
      '--item <item>',
      'what may be backed up and restored into: a name, or a pattern with *; may be repeated',
      collected,
    )
    .option('--drill-target', 'restore drills may restore into it; it is not backed up')
    .option('--ask-parameters', ASK_PARAMETERS)
    .option('--username <name>', 'account that dumps and restores')
    .option('--password-file <file>', 'file with its password, or - for standard input')
    .option('--privileged-username <name>', 'second account, for scripts that need more rights')
    .option('--privileged-password-file <file>', 'file with its password, or - for standard input')
    .addHelpText(
      'after',
      `
On a terminal, parameters that the script pack requires are asked for, secret ones hidden.

Examples:
  osb-backup instance create shop-db --host 10.0.0.5:5432 --agent db-1 --username backup --password-file pw.txt
  osb-backup instance create cache --host 10.0.0.6 --agent db-1 --pack redis --parameter restore_mode=in-place
  osb-backup instance create shop-db --host 10.0.0.5:5432 --host 10.0.0.6:5432 --backup-host 10.0.0.5 \\
    --agent db-1 --other-agent db-2=10.0.0.6 --username backup --password-file pw.txt`,
    )
    .action(action(create))
  instance
    .command('items')
    .description('List the databases that are, or were, backed up')
    .argument('<instance>', 'ID, or unique beginning of an ID')
    .action(
      action(async (session, _: object, name: string) => {
        const client = await session.client()
        const { items, listError } = await client.instances.listItems(await findId(client, instanceResource, name))
        printItems(session, items)
        if (listError !== undefined) session.printer.note(`The agent did not list what there is: ${listError}`)
      }),
    )
  addTrend(program, instance)
  addEdit(program, instance, editableResources.instance as unknown as EditableResource<Instance>, instanceEdit)
  addDelete(program, instance, instanceResource, {
    consequence: () => 'Its restore points stay.',
    byName: true,
    delete: (client, id) => client.instances.delete(id),
  })
}

async function create(session: Session, options: CreateOptions, id: string | undefined): Promise<void> {
  const { io } = session
  const client = await session.client()
  const document =
    options.file === undefined
      ? {}
      : ((await resolveReferences(io, await readObject(io, options.file))) as Record<string, unknown>)
  const database = {
    ...(isObject(document.database) ? document.database : {}),
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.passwordFile === undefined
      ? {}
      : { password: await readSecret(io, options.passwordFile, 'the password') }),
    ...(options.privilegedUsername === undefined ? {} : { privilegedUsername: options.privilegedUsername }),
    ...(options.privilegedPasswordFile === undefined
      ? {}
      : { privilegedPassword: await readSecret(io, options.privilegedPasswordFile, 'the second password') }),
  }
  const request = {
    ...document,
    ...(id === undefined ? {} : { id }),
    ...(options.host === undefined ? {} : { hosts: hostsOf(options.host, options.backupHost) }),
    ...(options.agent === undefined ? {} : { agentId: await findId(client, agentResource, options.agent) }),
    ...(options.otherAgent === undefined ? {} : { otherAgents: await otherAgentsOf(client, options.otherAgent) }),
    ...(options.pack === undefined ? {} : { pack: options.pack }),
    ...(options.item === undefined ? {} : { items: options.item }),
    ...(options.drillTarget === undefined ? {} : { drillTarget: options.drillTarget }),
    ...(Object.keys(database).length === 0 ? {} : { database }),
  }
  requireFields(request, instanceCreateSchema.shape, { id: '<instance>', hosts: '--host', agentId: '--agent' })
  const complete = { ...request, ...(await completedParameters(session, request as InstanceCreate, options)) }
  const created = await client.instances.create(complete as InstanceCreate, { idempotencyKey: newIdempotencyKey() })
  session.printer.value(created, { name: created.id, human: () => [`Registered the service instance ${created.id}.`] })
  session.printer.note(`Next: osb-backup destination create --instance ${created.id} --help`)
}

/** The parameters of an instance with those that were given and those that a person adds, checked against its pack. */
async function completedParameters(
  session: Session,
  { agentId, pack, parameters, secretParameters = [] }: Partial<InstanceCreate>,
  options: ParameterOptions & { askParameters?: boolean },
): Promise<Partial<InstanceCreate>> {
  const given = await parametersOf(session.io, options)
  const declared = await declaredParameters(await session.client(), { agentId, pack })
  const values = { ...parameters, ...given }
  rejectPlainSecrets(declared, options.parameter)
  await checkParameters(session, declared, values)
  const complete = {
    ...values,
    ...(await askParameters(session, declared, { given: values, all: options.askParameters ?? false })),
  }
  const secret = new Set([...secretParameters, ...secretNames(declared, complete)])
  return {
    ...(Object.keys(complete).length === 0 ? {} : { parameters: complete }),
    ...(secret.size === 0 ? {} : { secretParameters: [...secret] }),
  }
}

interface EditOptions extends ParameterOptions {
  pack?: string
  item?: string[]
  askParameters?: boolean
}

const instanceEdit: EditExtension<Instance> = {
  addOptions(edit) {
    addParameterOptions(edit, 'every script; others keep their values')
      .option('--ask-parameters', ASK_PARAMETERS)
      .option('--pack <pack>', 'the script pack that backs it up')
      .option(
        '--item <item>',
        'what may be backed up and restored into, instead of what it was; may be repeated',
        collected,
      )
  },
  async patchOf(session, options: EditOptions, { agentId, pack: current, parameters, secretParameters = [] }) {
    const given = await parametersOf(session.io, options)
    const { pack = current } = options
    const asks = options.askParameters ?? false
    const items = options.item === undefined ? undefined : { items: options.item }
    if (given === undefined && options.pack === undefined && !asks) return items
    const declared = await declaredParameters(await session.client(), { agentId, pack })
    rejectPlainSecrets(declared, options.parameter)
    await checkParameters(session, declared, given ?? {})
    // A user who asks for the questions may replace what is set.
    const answers = asks ? await askParameters(session, declared, { given: given ?? {}, all: true }) : {}
    const values = { ...given, ...answers }
    const secret = secretNames(declared, values).filter((name) => !secretParameters.includes(name))
    const isSet = (name: string) => parameters !== undefined && name in parameters
    const replaced = Object.keys(values).filter(isSet)
    if (replaced.length > 0) session.printer.note(`Replaces the values of ${replaced.join(', ')}.`)
    return {
      ...items,
      ...(options.pack === undefined ? {} : { pack }),
      ...(Object.keys(values).length === 0 ? {} : { parameters: values }),
      ...(secret.length === 0 ? {} : { secretParameters: [...secretParameters, ...secret] }),
    }
  },
  async helpOf(session, { agentId, pack }) {
    const declared = await declaredParameters(await session.client(), { agentId, pack }).catch(() => [])
    return declared.length === 0 ? [] : ['Parameters that its pack declares:', ...parameterHelp(declared)]
  },
}

/** @throws {UsageError} Naming the options for required fields that are missing. */
export function requireFields(
  request: Readonly<Record<string, unknown>>,
  shape: Readonly<Record<string, unknown>>,
  options: Readonly<Record<string, string>>,
): void {
  const missing = Object.entries(options).filter(([field]) => field in shape && request[field] === undefined)
  if (missing.length > 0)
    throw new UsageError(`Missing: ${missing.map(([, option]) => option).join(', ')}.`, {
      hint: 'Add --help for an example.',
    })
}

function hostsOf(hosts: readonly Host[], backupHost: string | undefined): object[] {
  if (backupHost !== undefined && !hosts.some(({ address }) => address === backupHost)) {
    throw new UsageError(`--backup-host ${backupHost} is none of the hosts.`)
  }
  const only = hosts.length === 1 ? hosts[0]?.address : undefined
  return hosts.map((host) => ({ ...host, backup: host.address === (backupHost ?? only) }))
}

async function otherAgentsOf(client: BackupClient, named: readonly OtherAgent[]): Promise<object[]> {
  const found: object[] = []
  for (const { agent, ...place } of named) found.push({ agentId: await findId(client, agentResource, agent), ...place })
  return found
}

function collectedAgents(text: string, previous: readonly OtherAgent[] = []): OtherAgent[] {
  const [agent = '', ...host] = text.split('=')
  if (agent === '' || host.length > 1 || host[0] === '') throw new InvalidArgumentError('Use AGENT or AGENT=HOST.')
  return [...previous, { agent, ...(host[0] === undefined ? {} : { host: host[0] }) }]
}

function collectedHosts(text: string, previous: readonly Host[] = []): Host[] {
  const match =
    /^(?:\[([0-9a-f:.]+)\]|([^:\s]+))(?::(\d{1,5}))?$/i.exec(text) ?? /^([0-9a-f]*:[0-9a-f:.]+)$/i.exec(text)
  const address = match?.[1] ?? match?.[2]
  if (match === null || address === undefined)
    throw new InvalidArgumentError('Use ADDRESS, ADDRESS:PORT or [IPV6]:PORT.')
  return [...previous, { address, ...(match[3] === undefined ? {} : { port: Number(match[3]) }) }]
}

function printItems({ printer, io }: Session, items: readonly Item[]): void {
  printer.list(items, {
    columns: [
      { header: 'ITEM', cell: ({ name }) => name, shrinks: true },
      { header: 'PROTECTION', cell: ({ protection }) => styleState(printer.style, protection.state) },
      {
        header: 'NEWEST',
        cell: ({ protection: { newestRestorePointAt: at } }) => (at === undefined ? '–' : formatRelative(at, io.now())),
      },
      { header: 'RESTORE POINTS', cell: ({ restorePointCount }) => String(restorePointCount), align: 'right' },
      { header: 'REASON', cell: ({ protection }) => protection.reason, shrinks: true },
      { header: 'PLANS', cell: ({ planIds }) => planIds.join(','), wide: true },
    ],
    name: ({ name }) => name,
    empty: 'No plan covers anything of this instance yet. Next: osb-backup plan create --help',
  })
}
