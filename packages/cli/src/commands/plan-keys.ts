import { open } from 'node:fs/promises'
import type { BackupClient } from '@osb-backup/client'
import type { Plan, PlanKeys } from '@osb-backup/protocol/v1'
import type { Command } from 'commander'
import { CliError, UsageError } from '../exit-code.ts'
import { confirm } from '../input/prompt.ts'
import { findId } from '../resources/resource.ts'
import { planResource } from '../resources/resources.ts'
import type { Program } from './program-context.ts'

/** Enough for both keys. */
const KEY_FILE_BYTES = 512

/** Adds `plan keys`. */
export function addKeys({ action }: Program, plan: Command): void {
  plan
    .command('keys')
    .description('Create a pair of age keys that the plan encrypts with from now on')
    .argument('<plan>', 'ID, unique beginning of an ID, or name')
    .requiredOption('--identity-file <file>', 'new file for the private key; it is shown nowhere else')
    .option('--no-keep', 'the manager does not keep the private key: every restore has to be given it')
    .action(
      action(async (session, options: { identityFile: string; keep: boolean }, name: string) => {
        const client = await session.client()
        const { value, version } = await client.plans.getVersioned(await findId(client, planResource, name))
        const question = `${value.encryption.publicKey === undefined ? 'Encrypt' : 'Replace the key that encrypts'} the backups of "${value.name}" from now on?${options.keep ? '' : ' Without the private key, nobody can restore them.'}`
        if (!(await confirm(session.io, session.flags, question))) throw new CliError('Nothing was changed.')
        const keys = await createKeys(client, value, version, options)
        const { privateKey: _, ...shown } = keys
        session.printer.value(shown, {
          name: keys.publicKey,
          human: () => [`Public key   ${keys.publicKey}`, `Private key  ${options.identityFile}`],
        })
        session.printer.note(
          'Keep a copy of that file in a safe place: without it, the backups cannot be decrypted if the manager is lost.',
        )
      }),
    )
}

/** Creates the keys of a plan, and stores the private one in a file that only its owner can read. */
async function createKeys(
  client: BackupClient,
  { id }: Plan,
  version: string,
  { identityFile, keep }: { identityFile: string; keep: boolean },
): Promise<PlanKeys> {
  // The file, and the space that it needs, are there before the key is: a key that cannot be written is lost.
  const file = await open(identityFile, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`${identityFile} cannot be created (${cause.code}).`, { cause })
  })
  try {
    await file.write(' '.repeat(KEY_FILE_BYTES), 0)
    await file.sync()
    const keys = await client.plans.createKeys(id, { keepPrivateKey: keep }, { version })
    const text = `# public key: ${keys.publicKey}\n${keys.privateKey}\n`
    try {
      await file.write(text.padEnd(KEY_FILE_BYTES - 1).concat('\n'), 0)
      await file.sync()
    } catch (cause) {
      // The plan encrypts to it already, and it is nowhere else.
      throw new CliError(`${identityFile} cannot be written. Keep this private key: ${keys.privateKey}`, { cause })
    }
    return keys
  } finally {
    await file.close()
  }
}
