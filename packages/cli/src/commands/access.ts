import { type BrokerAccountCreate, permissions, roles, type TokenCreate } from '@osb-backup/protocol/v1'
import { InvalidArgumentError, Option } from 'commander'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { readSecret } from '../input/secret.ts'
import { auditResource, brokerAccountResource, tokenResource } from '../resources/resources.ts'
import { collected } from './create-options.ts'
import type { Program } from './program-context.ts'
import { addDelete, addResourceCommand } from './resource-commands.ts'
import { durationArgument } from './start-jobs.ts'

/** Adds `token`, `broker-account` and `audit`. */
export function addAccessCommands(program: Program): void {
  addTokens(program)
  addBrokerAccounts(program)
  addResourceCommand(program, auditResource, 'Read who changed what')
}

interface CreateTokenOptions {
  name: string
  role: TokenCreate['role']
  instances: string[]
  permissions?: string[]
  expiresIn?: number
}

function collectedPermissions(text: string, previous: readonly string[] = []): string[] {
  const named = collected(text, previous)
  const unknown = named.find((each) => !(permissions as readonly string[]).includes(each))
  if (unknown !== undefined) throw new InvalidArgumentError(`Allowed are ${permissions.join(', ')}.`)
  return named
}

function grantsOf(instances: readonly string[]): 'all' | string[] {
  if (instances.includes('all')) return 'all'
  return instances.length === 1 && instances[0] === 'none' ? [] : [...instances]
}

function addTokens(program: Program): void {
  const { action, io } = program
  const token = addResourceCommand(program, tokenResource, 'Manage the tokens that people and programs sign in with')
  token
    .command('create')
    .description('Create a token; it is shown only once')
    .requiredOption('--name <name>', 'a name for people')
    .addOption(new Option('--role <role>', 'what it may do').choices([...roles]).makeOptionMandatory())
    .requiredOption(
      '--instances <ids>',
      'the service instances that it may reach: all, none (brokers: those that they register), or IDs separated by commas',
      collected,
    )
    .option(
      '--permissions <permissions>',
      `what an operator may do besides, separated by commas: ${permissions.join(', ')}`,
      collectedPermissions,
    )
    .option('--expires-in <duration>', 'when it expires, such as 90d; never by default', durationArgument)
    .action(
      action(async (session, options: CreateTokenOptions) => {
        const client = await session.client()
        const request = {
          name: options.name,
          role: options.role,
          instances: grantsOf(options.instances),
          ...(options.permissions === undefined ? {} : { permissions: options.permissions }),
          ...(options.expiresIn === undefined
            ? {}
            : { expiresAt: new Date(io.now() + options.expiresIn * 1000).toISOString() }),
        } as TokenCreate
        const created = await client.tokens.create(request, { idempotencyKey: newIdempotencyKey() })
        session.printer.value(created, { name: created.id, human: () => [created.token] })
        session.printer.note(`Created the token ${created.id}. It is shown only this once.`)
      }),
    )
  addDelete(program, token, tokenResource, {
    consequence: () => 'Its user is signed out.',
    delete: (client, id) => client.tokens.delete(id),
  })
}

function addBrokerAccounts(program: Program): void {
  const { action } = program
  const account = addResourceCommand(program, brokerAccountResource, 'Manage the accounts of service brokers')
  account
    .command('create')
    .description('Create an account for a service broker')
    .argument('<name>', 'user name of HTTP Basic authentication')
    .requiredOption('--password-file <file>', 'file with its password, or - for standard input')
    .requiredOption(
      '--instances <ids>',
      'the service instances that it may reach: all, or IDs separated by commas',
      collected,
    )
    .action(
      action(async (session, options: { passwordFile: string; instances: string[] }, name: string) => {
        const client = await session.client()
        const password = await readSecret(session.io, options.passwordFile, 'the password')
        const request = { name, password, instances: grantsOf(options.instances) } as BrokerAccountCreate
        const created = await client.brokerAccounts.create(request, { idempotencyKey: newIdempotencyKey() })
        session.printer.value(created, { name, human: () => [`Created the broker account ${name}.`] })
      }),
    )
  addDelete(program, account, brokerAccountResource, {
    consequence: () => 'Its broker can no longer sign in.',
    delete: (client, name) => client.brokerAccounts.delete(name),
  })
}
