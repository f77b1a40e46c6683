import type { OpenData } from '../context/open-data.ts'
import { exchangeKeyFile } from '../secrets/key-file.ts'
import { resealAll } from '../secrets/reseal.ts'
import type { ManagerSettings } from '../settings/settings.ts'

/**
 * Seals every secret anew: under a new key where it lies in `DATA_DIR/secret.key`, or under the one that is set. May be broken
 * off at any moment and begun again. Managers that run go on: they read the keys again when they need to.
 *
 * @returns What to tell the operator.
 */
export async function rotateKey(data: OpenData, settings: ManagerSettings): Promise<string> {
  if (settings.secretKey !== undefined) {
    const count = await resealAll(data)
    return `${count} secrets are sealed anew, and all of them under SECRET_KEY now. OTHER_SECRET_KEY may go.`
  }
  // First, so that nothing is left under the key that the present one replaced: its file is written over.
  await resealAll(data)
  const { path, previousPath } = await exchangeKeyFile(settings.dataDirectory)
  const count = await resealAll(data)
  return [
    `${count} secrets are sealed anew, under a new key: ${path}. Keep a copy elsewhere.`,
    `The key before it stays in ${previousPath}, to open dumps of the database that are older than this.`,
    ...(settings.databaseUrl === undefined
      ? []
      : ['Other managers of this database, with a DATA_DIR of their own, need both files there now.']),
  ].join('\n')
}
