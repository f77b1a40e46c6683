import { userInfo } from 'node:os'
import { recordCommand } from '../audit/repository.ts'
import { makeLog } from '../context/log.ts'
import { type OpenData, openData } from '../context/open-data.ts'
import { findDestination } from '../destinations/repository.ts'
import { reconcile } from '../reconciliation/service.ts'
import { SettingError } from '../settings/setting-error.ts'
import type { ManagerSettings } from '../settings/settings.ts'
import { createToken, listTokens, revokeToken, type Token } from '../tokens/repository.ts'
import type { Command } from './read-command.ts'
import { rotateKey } from './rotate-key.ts'

/** A command that works on the data of a manager and ends. */
export type DataCommand = Exclude<Command, { name: 'help' | 'start' }>

/**
 * Runs a command, beside a manager that runs or without one.
 *
 * @param signal - Ends what may take long; a PostgreSQL that was started for the command is stopped in any case.
 * @returns What to print.
 * @throws {SettingError} If a setting cannot be used, or there is no such thing.
 */
export async function runCommand(
  command: DataCommand,
  settings: ManagerSettings,
  now: Date,
  signal: AbortSignal,
): Promise<string> {
  const stops: (() => Promise<void>)[] = []
  try {
    // What the manager tells of itself is not what was asked for.
    const log = makeLog(settings.logLevel === 'info' ? 'warn' : settings.logLevel, 'error')
    const data = await openData(settings, { as: 'command' }, log, stops)
    signal.throwIfAborted()
    const said = await run(command, settings, data, now, signal)
    if (command.name !== 'token list') await recordCommand(data, command.name, accountName(), now)
    return said
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

async function run(
  command: DataCommand,
  settings: ManagerSettings,
  data: OpenData,
  now: Date,
  signal: AbortSignal,
): Promise<string> {
  switch (command.name) {
    case 'token create': {
      const { kept, token } = await createToken(data, command.token, now)
      return `${token}\n\nThe token ${kept.id} of ${JSON.stringify(kept.name)} is not shown again: ${describe(kept)}.`
    }
    case 'token list':
      return (await listTokens(data)).map((token) => `${token.id}  ${token.name}: ${describe(token)}`).join('\n')
    case 'token revoke':
      if (await revokeToken(data, command.id)) return `The token ${command.id} is revoked.`
      throw new SettingError(`There is no token ${JSON.stringify(command.id)}.`)
    case 'key rotate':
      return rotateKey(data, settings)
    case 'reconcile': {
      const destination = await findDestination(data, command.id)
      if (destination === undefined)
        throw new SettingError(`There is no file destination ${JSON.stringify(command.id)}.`)
      const context = { ...data, settings, now: () => new Date() }
      return JSON.stringify(await reconcile(context, destination, { ...command, signal }), undefined, 2)
    }
  }
}

/** Who gave the command, as the system knows them; accounts in containers may have no name. */
function accountName(): string {
  try {
    return userInfo().username
  } catch {
    // Thrown where the account has no entry among the users; its number says as much.
    return `uid ${process.getuid?.()}`
  }
}

function describe({ role, grants, expiresAt, lastUsedAt }: Token): string {
  const instances = grants === 'all' ? 'all service instances' : grants.join(', ') || 'no service instance'
  const expiry = expiresAt === undefined ? 'does not expire' : `expires ${expiresAt.toISOString()}`
  return `${role} of ${instances}, ${expiry}, ${lastUsedAt ? `last used ${lastUsedAt.toISOString()}` : 'never used'}`
}
