import { sql } from 'kysely'
import type { Context } from '../context/context.ts'
import { resealKeyCheck } from './key-check.ts'
import { sealedColumns } from './sealed-columns.ts'

const ROWS_AT_ONCE = 500

type Reach = Pick<Context, 'database' | 'sealer'>

/**
 * Seals every secret anew that another key than the current one sealed. May be broken off at any moment and begun again, and
 * managers may work meanwhile: a row that one of them writes in between stays as it wrote it.
 *
 * @returns How many secrets were sealed anew.
 * @throws {SealError} If one opens with none of the keys. Until then all is done that stands before it.
 */
export async function resealAll(reach: Reach): Promise<number> {
  let count = 0
  for (const [table, columns] of Object.entries(sealedColumns)) {
    for (const [column, purpose] of Object.entries(columns)) {
      count += await resealColumn(reach, table, column, purpose)
    }
  }
  // Last: as long as it is not, the next start still wants both keys.
  await resealKeyCheck(reach)
  return count
}

async function resealColumn(
  { database, sealer }: Reach,
  table: string,
  column: string,
  purpose: string,
): Promise<number> {
  let count = 0
  let after = ''
  for (;;) {
    const { rows } = await sql<{ id: string; sealed: string }>`
      select id, ${sql.ref(column)} as sealed from ${sql.table(table)}
      where id > ${after} and ${sql.ref(column)} is not null order by id limit ${ROWS_AT_ONCE}`.execute(database)
    const old = rows.filter(({ sealed }) => !sealer.isCurrent(sealed, purpose))
    const { numAffectedRows = 0n } = await sql`
      update ${sql.table(table)} as kept set ${sql.ref(column)} = changed.fresh
      from unnest(
        ${old.map(({ id }) => id)}::text[],
        ${old.map(({ sealed }) => sealed)}::text[],
        ${old.map(({ sealed }) => sealer.seal(sealer.open(sealed, purpose), purpose))}::text[]
      ) as changed(id, sealed, fresh)
      where kept.id = changed.id and kept.${sql.ref(column)} = changed.sealed`.execute(database)
    count += Number(numAffectedRows)
    after = rows.at(-1)?.id ?? after
    if (rows.length < ROWS_AT_ONCE) return count
  }
}
