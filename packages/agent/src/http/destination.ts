import { realpath } from 'node:fs/promises'
import { isAbsolute, relative } from 'node:path'
import type { AgentDestination } from '@osb-backup/protocol'
import type { StoreSettings, TlsSettings } from '@osb-backup/storage'
import { certificatesProblem } from '../certificates.ts'
import { type Checked, messageOf, passed, refused } from '../checked.ts'
import type { AgentSettings } from '../settings/agent-settings.ts'
import type { DestinationType } from './missing-fields.ts'

/** Turns a destination as the wire spells it into the settings of a store. Its needed fields are there. */
export async function storeSettingsOf(
  type: DestinationType,
  destination: AgentDestination,
  places: Places,
): Promise<Checked<StoreSettings>> {
  const tls = tlsOf(destination)
  if (!tls.ok) return tls
  switch (type) {
    case 'S3':
      return passed({
        type: 's3',
        endpoint: destination.endpoint ?? '',
        region: destination.region ?? '',
        bucket: destination.bucket ?? '',
        accessKeyId: destination.authKey ?? '',
        secretAccessKey: destination.authSecret ?? '',
        plainHttp: destination.skipSSL ?? false,
        pathStyle: destination.path_style,
        tls: tls.value,
      })
    case 'SWIFT':
      return passed({
        type: 'swift',
        authUrl: destination.authUrl ?? '',
        domain: destination.domain ?? '',
        projectName: destination.project_name ?? '',
        username: destination.username ?? '',
        password: destination.password ?? '',
        container: destination.container_name ?? '',
        region: destination.region || undefined,
        tls: tls.value,
      })
    case 'FILE':
      return fileSettings(destination.directory ?? '', places)
  }
}

/** How certificates are judged; undefined where the request says nothing of it. */
function tlsOf({ ca_certificate: ca, insecure_tls: insecure }: AgentDestination): Checked<TlsSettings | undefined> {
  const problem = ca === undefined ? undefined : certificatesProblem(ca)
  if (problem !== undefined) return refused(`destination.ca_certificate must be certificates in PEM: ${problem}`)
  return passed(ca === undefined && insecure === undefined ? undefined : { ca, insecure })
}

/** Where destinations of type FILE may lie, and where not. */
type Places = Pick<AgentSettings, 'fileDestinationRoot' | 'stateDirectory'>

/** Whether a path is a directory or lies in it; both without links. */
function isWithin(path: string, directory: string): boolean {
  const inside = relative(directory, path)
  return !isAbsolute(inside) && inside.split('/')[0] !== '..'
}

/** A directory is taken only if it lies inside the root and does not reach the journal, links followed. */
async function fileSettings(
  directory: string,
  { fileDestinationRoot: root, stateDirectory }: Places,
): Promise<Checked<StoreSettings>> {
  if (root === undefined) {
    return refused('destinations of type FILE are refused: this agent has no file_destination_root set')
  }
  if (!isAbsolute(directory) || directory.includes('\0')) return refused('destination.directory must be absolute')
  try {
    const real = await realpath(directory)
    if (!isWithin(real, await realpath(root))) {
      return refused(`destination.directory ${directory} lies outside of file_destination_root`)
    }
    const state = await realpath(stateDirectory).catch(() => stateDirectory)
    if (isWithin(real, state) || isWithin(state, real)) {
      return refused(`destination.directory ${directory} lies in the agent's state directory, or holds it`)
    }
    return passed({ type: 'file', directory: real })
  } catch (error) {
    return refused(directoryProblem(directory, error))
  }
}

/** Why a directory cannot be used, and what to do. */
function directoryProblem(directory: string, error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return `destination.directory ${directory} does not exist: make it on the agent's machine, or correct the destination`
    case 'ENOTDIR':
      return `destination.directory ${directory} leads through a file: correct the destination`
    case 'EACCES':
      return `destination.directory ${directory} cannot be reached: let the agent's user in, or correct the destination`
    default:
      return `destination.directory ${directory} cannot be used: ${messageOf(error)}`
  }
}
