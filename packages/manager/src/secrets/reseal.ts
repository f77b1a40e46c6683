import type { Database } from '../database/open-database.ts'
import { resealKeyCheck } from './key-check.ts'
import { listSealed, replaceSealed, type SealedColumn } from './repository.ts'
import { sealedColumns } from './sealed-columns.ts'
import type { Sealer } from './sealing.ts'

const BATCH_SIZE = 500

interface SecretsContext {
  database: Database
  sealer: Sealer
}

/**
 * Reseals every secret that another key than the current one sealed. May be interrupted at any moment and repeated, and
 * managers may run meanwhile: a row that one of them changes in between keeps what it wrote.
 *
 * @returns How many secrets were resealed.
 * @throws {SealError} If one opens with none of the keys. Those before it were resealed.
 */
export async function resealAll(context: SecretsContext): Promise<number> {
  let count = 0
  for (const [table, columns] of Object.entries(sealedColumns)) {
    for (const [column, purpose] of Object.entries(columns)) {
      count += await resealColumn(context, { table, column }, purpose)
    }
  }
  // Last: until then, the next start still requires both keys.
  await resealKeyCheck(context)
  return count
}

async function resealColumn(context: SecretsContext, column: SealedColumn, purpose: string): Promise<number> {
  const { sealer } = context
  let count = 0
  let after = ''
  for (;;) {
    const values = await listSealed(context, column, after, BATCH_SIZE)
    const old = values.filter(({ sealed }) => !sealer.isCurrent(sealed, purpose))
    const resealed = old.map((each) => ({ ...each, resealed: sealer.seal(sealer.open(each.sealed, purpose), purpose) }))
    count += await replaceSealed(context, column, resealed)
    after = values.at(-1)?.id ?? after
    if (values.length < BATCH_SIZE) return count
  }
}
