import { setTimeout as sleep } from 'node:timers/promises'
import type { BackupClient } from '@osb-backup/client'
import type { Clone, CloneRequest } from '@osb-backup/protocol/v1'
import { CliError, exitCodes, UsageError } from '../exit-code.ts'
import { newIdempotencyKey } from '../idempotency-key.ts'
import { identityIn } from '../input/identity.ts'
import { confirmByName } from '../input/prompt.ts'
import { readSecret } from '../input/secret.ts'
import { cloneResource } from '../resources/clones.ts'
import { findEntry, findId } from '../resources/resource.ts'
import { instanceResource, restorePointResource } from '../resources/resources.ts'
import type { Session } from '../session.ts'
import type { Program } from './program-context.ts'
import { addResourceCommand } from './resource-commands.ts'
import { addProvisioningOptions, type ProvisioningOptions, provisioningOf } from './service-brokers.ts'
import { addWaitOptions, type WaitOptions } from './start-jobs.ts'

const POLL_MS = 1000

interface CloneOptions extends ProvisioningOptions, WaitOptions {
  item?: string
  point?: string
  to?: string
  as?: string
  identityFile?: string
  maskFile?: string
}

/** Adds `clone`. */
export function addCloneCommands(program: Program): void {
  const { action } = program
  const clone = addResourceCommand(program, cloneResource, 'Copy the data of a service instance into another one')
  const start = clone
    .command('start', { isDefault: true })
    .description('Restore an item of a service instance into a new instance, or into another one')
    .argument('<instance>', 'the service instance: ID, or unique beginning of an ID')
    .option('--item <item>', 'the item; may be left out where only one has restore points')
    .option('--point <id>', 'from this restore point; by default the newest good one')
    .option('--to <instance>', 'write over this instance; by default a new one is provisioned')
    .option('--as <name>', 'with --to: write this database; by default the one that was dumped')
    .option('--identity-file <file>', 'file with the age identity that decrypts it, if the manager keeps none')
    .option('--mask-file <file>', 'file with statements that mask the data, before anybody gets its credentials')
  addWaitOptions(addProvisioningOptions(start))
    .addHelpText(
      'after',
      `
Examples:
  osb-backup clone start shop-db --service-plan small --mask-file mask.sql --wait
  osb-backup clone start shop-db --item shop --to shop-staging --as shop_copy

The word "start" may be left out. Statements in the file end with a semicolon at the end of a line.`,
    )
    .action(
      action(async (session, options: CloneOptions, name: string) => {
        const client = await session.client()
        const instanceId = await findId(client, instanceResource, name)
        const request = await requestOf(session, options)
        await requirePermission(session, request)
        const created = await client.clones.create(instanceId, request, { idempotencyKey: newIdempotencyKey() })
        await finish(session, created, options)
      }),
    )
  clone
    .command('cancel')
    .description('Cancel a clone; an instance that was provisioned for it is deleted')
    .argument('<clone>', 'ID, or unique beginning of an ID')
    .action(
      action(async (session, _: object, name: string) => {
        const client = await session.client()
        const { id } = await findEntry(client, cloneResource, name)
        const cancelled = await client.clones.cancel(id, { signal: session.io.signal })
        session.printer.value(cancelled, { name: id, human: () => [`The clone ${id} is being cancelled.`] })
      }),
    )
}

async function requestOf(session: Session, options: CloneOptions): Promise<CloneRequest> {
  const client = await session.client()
  const { item, point, to, as, identityFile, maskFile } = options
  if (as !== undefined && to === undefined) throw new UsageError('--as needs --to.')
  const privateKey =
    identityFile === undefined ? undefined : identityIn(await readSecret(session.io, identityFile, 'the identity'))
  const mask =
    maskFile === undefined ? undefined : statementsIn(await readSecret(session.io, maskFile, 'the statements'))
  const target =
    to === undefined
      ? { kind: 'service-broker' as const, ...(await provisioningOf(session, options)) }
      : {
          kind: 'instance' as const,
          instanceId: await findId(client, instanceResource, to),
          ...(as === undefined ? {} : { database: as }),
        }
  return {
    target,
    ...(item === undefined ? {} : { item }),
    ...(point === undefined ? {} : { restorePointId: await findId(client, restorePointResource, point) }),
    ...(privateKey === undefined ? {} : { privateKey }),
    ...(mask === undefined ? {} : { mask }),
  }
}

/** The statements of a file, which end with a semicolon at the end of a line. */
function statementsIn(text: string): string[] {
  const statements = text
    .split(/;[ \t]*(?:\r?\n|$)/)
    .map((each) => each.trim())
    .filter(Boolean)
  if (statements.length === 0) throw new UsageError('The mask file contains no statement.')
  return statements
}

async function requirePermission({ io, flags }: Session, { target }: CloneRequest): Promise<void> {
  if (target.kind !== 'instance') return
  const question = `Data in the service instance "${target.instanceId}" is overwritten.`
  if (!(await confirmByName(io, flags, question, target.instanceId))) throw new CliError('Nothing was cloned.')
}

async function finish(session: Session, started: Clone, { wait, timeout }: WaitOptions): Promise<void> {
  const { printer } = session
  if (wait) printer.note(`Cloning as ${started.id}; waiting until it has ended…`)
  const clone = wait ? await ended(await session.client(), started, session.io.signal, timeout) : started
  printer.value(clone, { name: clone.id, human: () => linesOf(clone) })
  if (clone.state === 'failed') process.exitCode = exitCodes.failed
}

function linesOf({ id, state, instanceId, database, isProvisioned, failure }: Clone): string[] {
  if (state === 'failed') return [`The clone ${id} failed: ${failure}`]
  if (state !== 'succeeded') return [`Started the clone ${id}.`, `Follow it: osb-backup clone show ${id}`]
  const credentials = isProvisioned ? [`Credentials: osb-backup provisioned-instance credentials ${instanceId}`] : []
  return [`The instance ${instanceId} has the copy, in the database ${database}.`, ...credentials]
}

/** Reads a clone until it has ended. */
async function ended(
  client: BackupClient,
  { id }: Clone,
  signal: AbortSignal,
  timeoutSeconds: number | undefined,
): Promise<Clone> {
  const limit = timeoutSeconds === undefined ? undefined : AbortSignal.timeout(timeoutSeconds * 1000)
  for (;;) {
    const clone = await client.clones.get(id, { signal })
    if (clone.state === 'succeeded' || clone.state === 'failed') return clone
    if (limit?.aborted) {
      throw new CliError(`The clone did not end within ${timeoutSeconds} s; it continues.`, {
        exitCode: exitCodes.timedOut,
      })
    }
    await sleep(POLL_MS, undefined, { signal })
  }
}
