import type { SelectQueryBuilder } from 'kysely'
import type { PageRequest } from '../shared/page.ts'

/**
 * Reads one page of what a query selects, and counts all its rows.
 *
 * @param query - Selecting and in a total order, without limit.
 */
export async function readPage<DB, TB extends keyof DB, Row>(
  query: SelectQueryBuilder<DB, TB, Row>,
  page: PageRequest,
): Promise<{ rows: Row[]; total: number }> {
  const rows = await query
    .limit(page.size)
    .offset(page.number * page.size)
    .execute()
  const [counted] = await query
    .clearSelect()
    .clearOrderBy()
    .select((select) => select.fn.countAll<string>().as('total'))
    .$castTo<{ total: string }>()
    .execute()
  return { rows, total: Number(counted?.total) }
}
