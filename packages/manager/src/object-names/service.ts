import { dumpName, objectNames } from '@osb-backup/core'
import type { Context } from '../context/context.ts'
import { readClock } from '../database/clock.ts'
import { inTransaction } from '../database/transaction.ts'
import { invariant } from '../shared/invariant.ts'
import * as repository from './repository.ts'

/** Those of one database, one second and one plan. */
const MAX_CANDIDATES = 1000

/** What an object is named after. */
export interface NamedPart {
  /** Its id at the agent: a part that is started again gets the same name, another attempt a new one. */
  partId: string
  prefix: string
  host: string
  database: string
}

/**
 * Gives a part the name of its object, without type. No name below a prefix is given twice, whatever became of the object: a
 * removal that is retried can meet no newer object.
 */
export function giveObjectName(context: Pick<Context, 'database'>, part: NamedPart): Promise<string> {
  const { partId, prefix, host, database } = part
  return inTransaction(context, async (tx) => {
    const now = await readClock(tx)
    for (const name of objectNames(dumpName(host, database, now), '', now).take(MAX_CANDIDATES)) {
      const given = await repository.findNameOfPart(tx, partId)
      if (given !== undefined) return given
      if (await repository.insertObjectName(tx, { prefix, name, partId })) return name
    }
    invariant(false, `a part of ${host} has a free name`)
  })
}
