import { userInfo } from 'node:os'
import { SettingsError } from '@osb-backup/node'
import type { Call } from '../access/call.ts'
import { grantedCaller } from '../access/caller.ts'
import { recordCall } from '../audit/service.ts'
import type { Context } from '../context/context.ts'
import { createLog } from '../context/log.ts'
import { openData } from '../context/open-data.ts'
import { importOldData } from '../migration/import.ts'
import { reconcile } from '../reconciliation/service.ts'
import { recover } from '../recovery/recover.ts'
import type { ManagerSettings } from '../settings/settings.ts'
import { RequestError } from '../shared/request-error.ts'
import { createToken, listTokens, revokeToken } from '../tokens/service.ts'
import type { Token } from '../tokens/token.ts'
import { forgetKey } from './forget-key.ts'
import type { ManagerCommand } from './read-command.ts'
import { rotateKey } from './rotate-key.ts'

/** A command that works on the data of a manager and ends. */
export type DataCommand = Exclude<ManagerCommand, { name: 'help' | 'version' | 'start' }>

type CommandContext = Pick<Context, 'settings' | 'database' | 'sealer'>

/**
 * Runs a command, beside a manager that runs or without one.
 *
 * @param signal - Stops a command that takes long; a PostgreSQL that was started for the command is stopped in any case.
 * @returns What to print.
 * @throws {SettingsError} If a setting cannot be used, or what the command names does not exist.
 */
export async function runCommand(
  command: DataCommand,
  settings: ManagerSettings,
  signal: AbortSignal,
): Promise<string> {
  const stops: (() => Promise<void>)[] = []
  try {
    // Information about the manager itself is not what was asked for.
    const log = createLog(settings.logLevel === 'info' ? 'warn' : settings.logLevel, 'error')
    const opener = { as: 'command', signal, keyIsLost: command.name === 'key forget' } as const
    const data = await openData(settings, opener, log, stops)
    signal.throwIfAborted()
    return await run(command, { ...data, settings }, signal)
  } catch (error) {
    throw error instanceof RequestError ? new SettingsError(error.message, { cause: error }) : error
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

async function run(command: DataCommand, context: CommandContext, signal: AbortSignal): Promise<string> {
  const call = callOf(command.name)
  switch (command.name) {
    case 'token create': {
      const { token, secret } = await createToken(context, call, command.token)
      return `${secret}\n\nThe token ${token.id} of ${JSON.stringify(token.name)} is not shown again: ${describe(token)}.`
    }
    case 'token list':
      return (await listTokens(context, call))
        .map((token) => `${token.id}  ${token.name}: ${describe(token)}`)
        .join('\n')
    case 'token revoke':
      await revokeToken(context, call, command.id)
      return `The token ${command.id} is revoked.`
    case 'key rotate': {
      const message = await rotateKey(context)
      await recordCall(context, call, call.audit.status)
      return message
    }
    case 'key forget': {
      const message = await forgetKey(context)
      await recordCall(context, call, call.audit.status)
      return message
    }
    case 'import':
      return importOldData(context, call, { ...command, signal })
    case 'recover':
      return recover(context, call, { ...command, signal })
    case 'reconcile': {
      const { remove, adopt, olderThanHours } = command
      const found = await reconcile(context, call, command.id, { remove, adopt, olderThanHours, signal })
      return JSON.stringify(found, undefined, 2)
    }
  }
}

/** A command as a call: by the account that runs it, which may do everything. */
function callOf(command: DataCommand['name']): Call {
  const user = accountName()
  const access = { role: 'admin', permissions: [], onlyDeprovisions: false, validForMs: undefined } as const
  const caller = { kind: 'command', id: user, name: user, ...access } as const
  return {
    caller: grantedCaller(caller, 'all'),
    use: 'change',
    audit: {
      address: 'this machine',
      action: command,
      path: '',
      status: 200,
      instanceId: undefined,
      isRecorded: false,
    },
  }
}

/** The operating system's name of the account; accounts in containers may have none. */
function accountName(): string {
  try {
    return userInfo().username
  } catch {
    // Thrown where the account has no entry among the users; its number identifies it as well.
    return `uid ${process.getuid?.()}`
  }
}

function describe({ role, permissions, grants, expiresAt, lastUsedAt }: Token): string {
  const instances = grants === 'all' ? 'all service instances' : grants.join(', ') || 'no service instance'
  const expiry = expiresAt === undefined ? 'does not expire' : `expires ${expiresAt.toISOString()}`
  const more = permissions.length === 0 ? '' : ` with ${permissions.join(', ')}`
  return `${role}${more} of ${instances}, ${expiry}, ${lastUsedAt ? `last used ${lastUsedAt.toISOString()}` : 'never used'}`
}
