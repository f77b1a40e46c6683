import type { Database } from '../database/open-database.ts'
import { resealFilterKey } from './filter-key.ts'
import { resealKeyCheck } from './key-check.ts'
import { listSealed, replaceSealed, type SealedColumn } from './repository.ts'
import { purposeOf, sealedColumns } from './sealed-columns.ts'
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
    for (const column of columns) {
      // The names of a table and of its column; that they belong together is not known to the compiler here.
      const purpose = (id: string) => purposeOf(table as 'agents', column as 'sealed_password', id)
      count += await resealColumn(context, { table, column }, purpose)
    }
  }
  await resealFilterKey(context)
  // Last: until then, the next start still requires both keys.
  await resealKeyCheck(context)
  return count
}

async function resealColumn(
  context: SecretsContext,
  column: SealedColumn,
  purposeOfRow: (id: string) => string,
): Promise<number> {
  const { sealer } = context
  let count = 0
  let after = ''
  for (;;) {
    const values = await listSealed(context, column, after, BATCH_SIZE)
    const old = values.filter(({ id, sealed }) => !sealer.isCurrent(sealed, purposeOfRow(id)))
    const resealed = old.map((each) => {
      const purpose = purposeOfRow(each.id)
      return { ...each, resealed: sealer.seal(sealer.open(each.sealed, purpose), purpose) }
    })
    count += await replaceSealed(context, column, resealed)
    after = values.at(-1)?.id ?? after
    if (values.length < BATCH_SIZE) return count
  }
}
