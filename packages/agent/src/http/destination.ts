import { realpath } from 'node:fs/promises'
import { isAbsolute, relative } from 'node:path'
import { err, ok, type Result } from '@osb-backup/core'
import { certificatesProblem, errorCode, errorMessage } from '@osb-backup/node'
import type { AgentDestination } from '@osb-backup/protocol'
import type { StoreKind, StoreSettings } from '@osb-backup/storage/kinds'
import type { AgentSettings } from '../settings/agent-settings.ts'

/** Decodes the destination of a request. Its required fields are present. */
export async function storeSettingsOf(
  kind: StoreKind,
  destination: AgentDestination,
  settings: Pick<AgentSettings, 'fileDestinationRoot' | 'stateDirectory' | 'destinationDefaults'>,
): Promise<Result<StoreSettings>> {
  const { ca_certificate: ca } = destination
  const problem = ca === undefined ? undefined : certificatesProblem(ca)
  if (problem !== undefined) return err(`destination.ca_certificate must be certificates in PEM: ${problem}`)
  const decoded = kind.agent.decode(withDefaults(kind, destination, settings)) as StoreSettings
  const directory = kind.localDirectory(decoded)
  if (directory === undefined) return ok(decoded)
  const real = await allowedDirectory(kind, directory, settings)
  return real.ok ? ok(kind.withLocalDirectory(decoded, real.value) as StoreSettings) : real
}

/** What the agent's settings say of a destination counts where the request leaves it empty. */
function withDefaults(
  { wireType }: StoreKind,
  destination: AgentDestination,
  { destinationDefaults }: Pick<AgentSettings, 'destinationDefaults'>,
): AgentDestination {
  const given = Object.entries(destination).filter(([, value]) => value !== '')
  return { ...destination, ...destinationDefaults[wireType], ...Object.fromEntries(given) }
}

/** Whether a path is a directory or is inside it; both without links. */
function isWithin(path: string, directory: string): boolean {
  const inside = relative(directory, path)
  return !isAbsolute(inside) && inside.split('/')[0] !== '..'
}

/** The directory with its links resolved, if it is inside the root and apart from the journal. */
async function allowedDirectory(
  { wireType }: StoreKind,
  directory: string,
  { fileDestinationRoot: root, stateDirectory }: Pick<AgentSettings, 'fileDestinationRoot' | 'stateDirectory'>,
): Promise<Result<string>> {
  if (root === undefined) {
    return err(`destinations of type ${wireType} are rejected: this agent has no file_destination_root set`)
  }
  if (!isAbsolute(directory) || directory.includes('\0')) return err('destination.directory must be absolute')
  try {
    const real = await realpath(directory)
    if (!isWithin(real, await realpath(root))) {
      return err(`destination.directory ${directory} is outside of file_destination_root`)
    }
    const state = await realpath(stateDirectory).catch(() => stateDirectory)
    if (isWithin(real, state) || isWithin(state, real)) {
      return err(`destination.directory ${directory} is inside the agent's state directory, or contains it`)
    }
    return ok(real)
  } catch (error) {
    return err(directoryProblem(directory, error))
  }
}

/** Why a directory cannot be used, and what to do. */
function directoryProblem(directory: string, error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return `destination.directory ${directory} does not exist: make it on the agent's machine, or correct the destination`
    case 'ENOTDIR':
      return `destination.directory ${directory} leads through a file: correct the destination`
    case 'EACCES':
      return `destination.directory ${directory} cannot be reached: let the agent's user in, or correct the destination`
    default:
      return `destination.directory ${directory} cannot be used: ${errorMessage(error)}`
  }
}
