import { realpath } from 'node:fs/promises'
import { isAbsolute, relative } from 'node:path'
import type { AgentDestination } from '@osb-backup/protocol'
import type { StoreSettings } from '@osb-backup/storage'
import { type Checked, messageOf, passed, refused } from '../checked.ts'
import type { DestinationType } from './missing-fields.ts'

/** Turns a destination as the wire spells it into the settings of a store. Its needed fields are there. */
export async function storeSettingsOf(
  type: DestinationType,
  destination: AgentDestination,
  fileRoot: string | undefined,
): Promise<Checked<StoreSettings>> {
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
        ...(destination.region ? { region: destination.region } : {}),
      })
    case 'FILE':
      return fileSettings(destination.directory ?? '', fileRoot)
  }
}

/** A directory is taken only if it lies inside the root, links followed. */
async function fileSettings(directory: string, root: string | undefined): Promise<Checked<StoreSettings>> {
  if (root === undefined) {
    return refused('destinations of type FILE are refused: this agent has no file_destination_root set')
  }
  if (!isAbsolute(directory) || directory.includes('\0')) return refused('destination.directory must be absolute')
  try {
    const real = await realpath(directory)
    const inside = relative(await realpath(root), real)
    if (isAbsolute(inside) || inside.split('/')[0] === '..') {
      return refused(`destination.directory ${directory} lies outside of file_destination_root`)
    }
    return passed({ type: 'file', directory: real })
  } catch (error) {
    return refused(`destination.directory cannot be used: ${messageOf(error)}`)
  }
}
