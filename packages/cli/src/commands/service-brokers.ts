import {
  type ProvisionedInstanceCreate,
  type ServiceBrokerCreate,
  type ServiceCatalog,
  serviceBrokerCreateSchema,
} from '@osb-backup/protocol/v1'
import type { Command } from 'commander'
import { CliError } from '../exit-code.ts'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { readObject, resolveReferences } from '../input/document.ts'
import { confirmByName } from '../input/prompt.ts'
import { formatDuration } from '../output/units.ts'
import { editableResources } from '../resources/editable.ts'
import { findEntry, findId } from '../resources/resource.ts'
import { agentResource, instanceResource } from '../resources/resources.ts'
import { provisionedInstanceResource, serviceBrokerResource } from '../resources/service-brokers.ts'
import type { Session } from '../session.ts'
import {
  addFieldOptions,
  addParameterOptions,
  collected,
  fieldsOf,
  type ParameterOptions,
  parametersOf,
} from './create-options.ts'
import { addEdit } from './edit.ts'
import { requireFields } from './instances.ts'
import type { Program } from './program-context.ts'
import { addDelete, addResourceCommand } from './resource-commands.ts'

const schema = serviceBrokerCreateSchema
/** What has an option of its own. */
const special = ['name', 'url', 'services', 'agentId', 'registersInstances']

interface CreateOptions extends Record<string, unknown> {
  file?: string
  name?: string
  brokerUrl?: string
  service?: string[]
  agent?: string
  unregistered?: boolean
}

/** Options that say of which plan an instance is requested. */
export interface ProvisioningOptions extends ParameterOptions {
  serviceBroker?: string
  service?: string
  servicePlan?: string
}

/** Adds `service-broker` and `provisioned-instance`. */
export function addServiceBrokerCommands(program: Program): void {
  const { action } = program
  const broker = addResourceCommand(
    program,
    serviceBrokerResource,
    'Manage the service brokers that instances for drills and clones are requested of',
  )
  addCreate(program, broker)
  broker
    .command('check')
    .description('Check a service broker: read its catalog')
    .argument('<service-broker>', 'ID, unique beginning of an ID, or name')
    .action(
      action(async (session, _: object, name: string) => {
        const client = await session.client()
        const id = await findId(client, serviceBrokerResource, name)
        const checked = await client.serviceBrokers.check(id, { signal: session.io.signal })
        const human = () => [
          `The service broker can be used: ${checked.services} services (${formatDuration(checked.durationSeconds * 1000)}).`,
        ]
        session.printer.value(checked, { name: id, human })
      }),
    )
  broker
    .command('catalog')
    .description('List the services and plans of a service broker')
    .argument('<service-broker>', 'ID, unique beginning of an ID, or name')
    .action(
      action(async (session, _: object, name: string) => {
        const client = await session.client()
        const id = await findId(client, serviceBrokerResource, name)
        const catalog = await client.serviceBrokers.catalog(id, { signal: session.io.signal })
        if (session.printer.isStructured) return session.printer.value(catalog, { name: id })
        session.printer.list(catalog.services.flatMap(plansOf), {
          columns: [
            { header: 'SERVICE', cell: ({ service }) => service },
            { header: 'PLAN', cell: ({ plan }) => plan },
            { header: 'ALLOWED', cell: ({ allowed }) => (allowed ? 'yes' : 'no') },
            { header: 'BINDABLE', cell: ({ bindable }) => (bindable ? 'yes' : 'no') },
            { header: 'DESCRIPTION', cell: ({ description }) => description ?? '', shrinks: true },
            { header: 'PLAN ID', cell: ({ planId }) => planId, wide: true },
          ],
          name: ({ service, plan }) => `${service}/${plan}`,
          empty: 'The service broker offers nothing.',
        })
      }),
    )
  addEdit(program, broker, editableResources['service-broker'] as never)
  addDelete(program, broker, serviceBrokerResource, {
    consequence: () => 'Drills and clones cannot use it any more.',
    delete: (client, id) => client.serviceBrokers.delete(id),
  })
  addProvisionedInstanceCommands(program)
}

function plansOf({ name: service, allowed, plans }: ServiceCatalog['services'][number]) {
  return plans.map(({ id: planId, name: plan, bindable, description }) => ({
    ...{ service, plan, planId, allowed, bindable, description },
  }))
}

function addCreate({ action }: Program, broker: Command): void {
  const create = broker
    .command('create')
    .description('Register a service broker, after reading its catalog')
    .option(
      '-f, --file <file>',
      'YAML or JSON with the fields of the API (- for standard input); options take precedence',
    )
    .option('--name <name>', 'a name for people')
    .option('--broker-url <url>', 'where the broker answers, without /v2')
    .option(
      '--service <service>',
      'a service that may be provisioned, by name or ID; may be repeated; all by default',
      collected,
    )
    .option('--agent <agent>', 'agent of instances that the manager registers; by default that of their source')
    .option('--unregistered', 'the broker does not register its instances at this manager, so the manager does')
  const fields = addFieldOptions(create, [schema], special)
  create
    .addHelpText(
      'after',
      `
Examples:
  osb-backup service-broker create --name postgresql --broker-url https://postgresql-broker.example \\
    --username backup-manager --password-file password.txt --service postgresql --max-instances 2`,
    )
    .action(
      action(async (session, options: CreateOptions) => {
        const client = await session.client()
        const request = await brokerOf(session, options, await fieldsOf(session.io, fields, options))
        requireFields(request, schema.shape, {
          name: '--name',
          url: '--broker-url',
          username: '--username',
          password: '--password-file',
        })
        const created = await client.serviceBrokers.create(request as ServiceBrokerCreate, {
          idempotencyKey: newIdempotencyKey(),
        })
        session.printer.value(created, {
          name: created.id,
          human: () => [`Registered the service broker ${created.id}.`],
        })
        session.printer.note(`Next: osb-backup service-broker check ${created.name}`)
      }),
    )
}

async function brokerOf(
  session: Session,
  { file, name, brokerUrl, service, agent, unregistered }: CreateOptions,
  fields: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const document =
    file === undefined
      ? {}
      : ((await resolveReferences(session.io, await readObject(session.io, file))) as Record<string, unknown>)
  return {
    ...document,
    ...fields,
    ...(name === undefined ? {} : { name }),
    ...(brokerUrl === undefined ? {} : { url: brokerUrl }),
    ...(service === undefined ? {} : { services: service }),
    ...(agent === undefined ? {} : { agentId: await findId(await session.client(), agentResource, agent) }),
    ...(unregistered === true ? { registersInstances: false } : {}),
  }
}

/** Adds the options that say of which plan an instance is requested. */
export function addProvisioningOptions(command: Command): Command {
  return addParameterOptions(
    command
      .option(
        '--service-broker <service-broker>',
        'the service broker, by name or ID; may be left out where there is one',
      )
      .option('--service <service>', 'a service of its catalog, by name or ID; by default that of the source')
      .option('--service-plan <plan>', 'a plan of the service, by name or ID; by default that of the source'),
    'the service broker',
  )
}

/** What those options say, as requests have it. */
export async function provisioningOf(session: Session, options: ProvisioningOptions) {
  const { serviceBroker, service, servicePlan } = options
  const parameters = await parametersOf(session.io, options)
  return {
    ...(serviceBroker === undefined
      ? {}
      : { serviceBrokerId: await findId(await session.client(), serviceBrokerResource, serviceBroker) }),
    ...(service === undefined ? {} : { service }),
    ...(servicePlan === undefined ? {} : { servicePlan }),
    ...(parameters === undefined ? {} : { parameters }),
  }
}

function addProvisionedInstanceCommands(program: Program): void {
  const { action } = program
  const instance = addResourceCommand(
    program,
    provisionedInstanceResource,
    'Manage the instances that were provisioned for drills and clones',
  )
  addProvisioningOptions(
    instance
      .command('create')
      .description('Provision an instance, to try a service broker')
      .argument('<instance>', 'the service instance whose service, organization, space and agent count'),
  )
    .addHelpText('after', '\nExamples:\n  osb-backup provisioned-instance create shop-db --service-plan small')
    .action(
      action(async (session, options: ProvisioningOptions, name: string) => {
        const client = await session.client()
        const instanceId = await findId(client, instanceResource, name)
        const request: ProvisionedInstanceCreate = { instanceId, ...(await provisioningOf(session, options)) }
        const created = await client.provisionedInstances.create(request, { idempotencyKey: newIdempotencyKey() })
        const human = () => [`Requested the instance ${created.id}.`]
        session.printer.value(created, { name: created.id, human })
        session.printer.note(`Next: osb-backup provisioned-instance show ${created.id}`)
      }),
    )
  instance
    .command('credentials')
    .description('Print the credentials of an instance that is ready')
    .argument('<provisioned-instance>', 'ID, or unique beginning of an ID')
    .action(
      action(async (session, _: object, name: string) => {
        const client = await session.client()
        const id = await findId(client, provisionedInstanceResource, name)
        const { credentials } = await client.provisionedInstances.credentials(id, { signal: session.io.signal })
        session.printer.value(credentials, { name: id })
      }),
    )
  instance
    .command('delete')
    .alias('rm')
    .description('Delete an instance with its data, at its service broker')
    .argument('<provisioned-instance>', 'ID, or unique beginning of an ID')
    .action(
      action(async (session, _: object, name: string) => {
        const client = await session.client()
        const entry = await findEntry(client, provisionedInstanceResource, name, {
          isExact: session.flags.yes ?? false,
        })
        const question = `Delete the instance "${entry.id}" with its data?`
        if (!(await confirmByName(session.io, session.flags, question, entry.id))) {
          throw new CliError('Nothing was deleted.')
        }
        const deleted = await client.provisionedInstances.delete(entry.id, { signal: session.io.signal })
        const human = () => [`The instance ${deleted.id} is being deleted: its state is ${deleted.state}.`]
        session.printer.value(deleted, { name: deleted.id, human })
      }),
    )
}
