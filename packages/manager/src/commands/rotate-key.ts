import type { Context } from '../context/context.ts'
import { exchangeKeyFile, isKeySet } from '../secrets/key-file.ts'
import { resealAll } from '../secrets/reseal.ts'

/**
 * Reseals every secret: under a new key if it is in `DATA_DIR/secret.key`, or under the one from the settings. May be
 * interrupted at any moment and repeated. Managers that run continue: they read the keys again when they need to.
 *
 * @returns What to report to the operator.
 */
export async function rotateKey(context: Pick<Context, 'settings' | 'database' | 'sealer'>): Promise<string> {
  const { settings } = context
  if (isKeySet(settings)) {
    const count = await resealAll(context)
    return `Resealed ${count} secrets; all of them are sealed under SECRET_KEY now. OTHER_SECRET_KEY can be removed.`
  }
  // First, so that nothing is left under the key before the current one: its file is overwritten.
  await resealAll(context)
  const { path, previousPath } = await exchangeKeyFile(settings.dataDirectory)
  const count = await resealAll(context)
  return [
    `Resealed ${count} secrets under a new key: ${path}. Keep a copy elsewhere.`,
    `The previous key stays in ${previousPath}, to open older dumps of the database.`,
    ...(settings.databaseUrl === undefined
      ? []
      : ['Other managers of this database, with a DATA_DIR of their own, need both files there now.']),
  ].join('\n')
}
