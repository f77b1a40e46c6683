import { certificateExpiries } from '@osb-backup/node'
import { StoreError, trustedCertificates } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import { claimChecks, recordCheck, syncChecks } from './checks-repository.ts'
import type { FileDestination } from './destination.ts'
import { explainFailure } from './explain-failure.ts'
import { openDestination } from './open-destination.ts'
import { destinationsById } from './repository.ts'
import { checkAllowed } from './rules.ts'

/** How often each destination is asked for an object. */
const INTERVAL_SECONDS = 300
const CHECK_TIMEOUT_MS = 30_000
/** The name of an object that is not there. */
const ABSENT_NAME = 'osb-backup-manager-check'

type CheckContext = Pick<Context, 'database' | 'sealer' | 'settings'>

/**
 * Checks destinations that are due. A check reads and writes nothing: it asks for an object.
 *
 * @param limit - How many at most.
 * @returns How many were due.
 */
export async function checkDueDestinations(context: CheckContext, limit: number, signal: AbortSignal): Promise<number> {
  await syncChecks(context)
  const ids = await claimChecks(context, INTERVAL_SECONDS, limit)
  const destinations = await destinationsById(context, ids)
  // Concurrently, so that a store that does not answer delays the others as little as possible.
  await Promise.all([...destinations.values()].map((destination) => checkDestination(context, destination, signal)))
  return ids.length
}

async function checkDestination(context: CheckContext, destination: FileDestination, stop: AbortSignal): Promise<void> {
  const timeout = AbortSignal.timeout(CHECK_TIMEOUT_MS)
  const failure = await tryHead(context, destination, AbortSignal.any([stop, timeout])).catch((error: unknown) => {
    if (stop.aborted) throw error
    if (error instanceof StoreError) return explainFailure(error, destination.store, 'read')
    if (error instanceof RequestError) return error.message
    if (timeout.aborted) return `no answer within ${CHECK_TIMEOUT_MS / 1000} seconds.`
    throw error
  })
  await recordCheck(context, destination.id, failure, certificateExpiries(trustedCertificates(destination.store) ?? ''))
}

async function tryHead(context: CheckContext, { store }: FileDestination, signal: AbortSignal): Promise<undefined> {
  await checkAllowed(store, context)
  await openDestination(store, context, { retry: false }).head(ABSENT_NAME, { signal })
}
