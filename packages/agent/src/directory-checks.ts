import type { Stats } from 'node:fs'
import { access, chmod, chown, constants, lstat, readdir, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { createDirectory, errorMessage, SettingsError } from '@osb-backup/node'
import { hasOtherMembers } from './scripts/group-members.ts'
import { checkScriptAccount, type ScriptAccount, succeedsAs } from './scripts/script-account.ts'
import type { AgentSettings } from './settings/agent-settings.ts'

const WORLD_WRITABLE = 0o002
const GROUP_WRITABLE = 0o020
const STICKY = 0o1000
/** As many links as Linux follows. */
const MAX_LINKS = 40

/**
 * Creates the directory of the journal and of the compiled code where it does not exist, and checks that no other account can
 * put files or links there. Without it no earlier job can be finished, so nothing else is checked before.
 *
 * @throws {SettingsError} If it cannot be written, is used for two purposes, or is not safe.
 */
export async function openStateDirectory(settings: AgentSettings): Promise<void> {
  // As it is by default: then the message names the setting that the operator knows.
  if (dirname(settings.stateDirectory) === settings.backupDirectory) {
    await createWritable('directory_backup', settings.backupDirectory)
  }
  await createWritable('state_directory', settings.stateDirectory)
  await checkStateDirectory(await realpath(settings.stateDirectory))
  await openDirectory('state_directory', settings.stateDirectory)
  // Callers name job directories, so the journal must not be in the same directory as those.
  const state = await realpath(settings.stateDirectory)
  for (const directory of [settings.backupDirectory, settings.restoreDirectory]) {
    if ((await realpath(directory).catch(() => undefined)) === state) {
      throw new SettingsError('state_directory must not be directory_backup or directory_restore itself.')
    }
  }
}

/**
 * Creates the directories of jobs where they do not exist, and checks that no other account can put files or links there:
 * scripts and transfers write to them with the rights of the agent.
 *
 * @throws {SettingsError} If one cannot be written, or is not safe.
 */
export async function openJobDirectories(settings: AgentSettings): Promise<void> {
  const { scriptAccount } = settings
  for (const [setting, path] of jobDirectoriesOf(settings)) {
    await openDirectory(setting, path, scriptAccount)
    await checkEntries(setting, path, scriptAccount)
  }
}

const jobDirectoriesOf = ({ backupDirectory, restoreDirectory }: AgentSettings) =>
  [
    ['directory_backup', backupDirectory],
    ['directory_restore', restoreDirectory],
  ] as const

async function createWritable(setting: string, path: string): Promise<void> {
  try {
    await createDirectory(path, 0o700)
    await access(path, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new SettingsError(`${setting} is not a writable directory: ${errorMessage(error)}.`)
  }
}

/** @param account - Of the scripts: the directory itself may belong to it. */
async function openDirectory(setting: string, path: string, account?: AgentSettings['scriptAccount']): Promise<void> {
  await createWritable(setting, path)
  const real = await realpath(path)
  const trusted = new Set([0, process.geteuid?.() ?? 0])
  const ofItself = account === undefined ? trusted : new Set([...trusted, account.uid])
  await checkPath(setting, path, (at) => (at === real ? ofItself : trusted))
  if (isWorldWritable(await stat(path))) throw worldWritable(setting, path)
}

/** Checks that no other account can replace a directory, or one above it, by another, or put files there. */
async function checkPath(
  setting: string,
  path: string,
  trustedAt: (path: string) => ReadonlySet<number>,
  links = 0,
): Promise<void> {
  if (links > MAX_LINKS) throw new SettingsError(`${setting} leads through too many symbolic links.`)
  const parent = dirname(path)
  if (parent !== path) await checkPath(setting, parent, trustedAt, links)
  const found = await lstat(path)
  if (!found.isSymbolicLink()) return checkDirectory(setting, path, found, trustedAt(path))
  if (!isTrusted(found)) {
    throw new SettingsError(
      `${setting} leads through ${path}, a symbolic link of another account. Remove it: rm ${path}`,
    )
  }
  await checkPath(setting, resolve(parent, await readlink(path)), trustedAt, links + 1)
}

async function checkDirectory(
  setting: string,
  path: string,
  found: Stats,
  trusted: ReadonlySet<number>,
): Promise<void> {
  if (!trusted.has(found.uid)) {
    throw new SettingsError(
      `${setting} is not safe: ${path} belongs to the account ${found.uid}, which can replace what is in it. Check the content, and ` +
        `run: chown ${process.geteuid?.()} ${path}`,
    )
  }
  // In a sticky directory such as /tmp others may create files, but neither rename nor delete ours.
  if ((found.mode & STICKY) !== 0) return
  if (isWorldWritable(found)) throw worldWritable(setting, path)
  if ((found.mode & GROUP_WRITABLE) !== 0 && (await hasOtherMembers(found.gid, trusted))) {
    throw new SettingsError(
      `${setting} is not safe: other accounts of the group ${found.gid} may write to ${path}. Run: chmod g-w ${path}`,
    )
  }
}

/** Links in the directory of jobs would lead scripts and transfers elsewhere. Those of its own account are rejected by the job that meets them. */
async function checkEntries(
  setting: string,
  directory: string,
  account: AgentSettings['scriptAccount'],
): Promise<void> {
  for (const { path, found } of await entriesOf(setting, directory)) {
    if (found.isSymbolicLink() && !isTrusted(found) && found.uid !== account?.uid) {
      throw new SettingsError(`${setting} contains ${path}, a symbolic link of another account. Remove it: rm ${path}`)
    }
  }
}

/**
 * Checks that the account of the scripts can use what it must, and not the journal. Directories that are still empty are given
 * the rights that they need.
 *
 * @param form - Scripts of form 1 create the directories of their jobs themselves.
 * @throws {SettingsError} With what to run.
 */
export async function openForScripts(settings: AgentSettings, form: 1 | 2): Promise<void> {
  const { scriptAccount: account, stateDirectory } = settings
  if (account === undefined) return
  await checkScriptAccount(account)
  const state = await realpath(stateDirectory)
  for (const [setting, path] of jobDirectoriesOf(settings)) {
    if (state.startsWith(`${await realpath(path)}/`)) {
      throw new SettingsError(
        `state_directory must be outside of ${setting} with script_user, whose scripts could exchange it: set it, for ` +
          'example to /var/lib/osb-backup-agent.',
      )
    }
    const isUsable = () => succeedsAs(account, 'test', form === 1 ? ['-w', path, '-a', '-x', path] : ['-x', path])
    if (await isUsable()) continue
    if ((await readdir(path)).length === 0)
      await (form === 1 ? chown(path, account.uid, account.gid) : chmod(path, 0o711))
    if (await isUsable()) continue
    const advice = form === 1 ? `chown ${account.name} ${path}` : `chmod a+x ${path}`
    throw new SettingsError(
      `script_user ${account.name} cannot use ${setting}: run ${advice}, and let that account enter the directories above it.`,
    )
  }
  await checkScriptsReadable(settings, account)
}

async function checkScriptsReadable(
  { scriptsPath, packsPath, mustHaveScripts }: AgentSettings,
  account: ScriptAccount,
): Promise<void> {
  const isNeeded = packsPath === undefined || mustHaveScripts
  for (const [setting, path] of [
    ['scripts_path', isNeeded ? scriptsPath : undefined],
    ['packs_path', packsPath],
  ] as const) {
    if (path === undefined || (await succeedsAs(account, 'test', ['-r', path, '-a', '-x', path]))) continue
    throw new SettingsError(`script_user ${account.name} cannot read ${setting}: run chmod -R a+rX ${path}`)
  }
}

/** The journal and the compiled code are trusted, so everything in their directory must be the agent's own. */
async function checkStateDirectory(directory: string): Promise<void> {
  const own = process.geteuid?.()
  const all = [{ path: directory, found: await stat(directory) }, ...(await entriesOf('state_directory', directory))]
  for (const { path, found } of all) {
    if (found.isSymbolicLink()) {
      throw new SettingsError(
        `state_directory contains the symbolic link ${path}. Check where it leads, then run: rm ${path}`,
      )
    }
    if (own !== undefined && found.uid !== own) {
      throw new SettingsError(
        `${path} of state_directory belongs to the account ${found.uid}, and the agent runs as ${own}: run the agent as that ` +
          `account, or check the content and run: chown -R ${own} ${directory}`,
      )
    }
  }
}

async function entriesOf(setting: string, directory: string): Promise<{ path: string; found: Stats }[]> {
  try {
    const paths = (await readdir(directory)).map((name) => join(directory, name))
    const entries = await Promise.all(
      paths.map(async (path) => ({ path, found: await lstat(path).catch(() => undefined) })),
    )
    // Files of a script that still runs come and go.
    return entries.flatMap(({ path, found }) => (found === undefined ? [] : [{ path, found }]))
  } catch (error) {
    throw new SettingsError(`${setting} cannot be read: ${errorMessage(error)}.`)
  }
}

const isWorldWritable = ({ mode }: Stats): boolean => (mode & WORLD_WRITABLE) !== 0

/** Whether only the administrator or the agent's account can have created it. */
const isTrusted = ({ uid }: Stats): boolean => uid === 0 || uid === process.geteuid?.()

const worldWritable = (setting: string, path: string): SettingsError =>
  new SettingsError(`${setting} is not safe: every account may write to ${path}. Run: chmod o-w ${path}`)
