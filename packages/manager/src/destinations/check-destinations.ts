import { certificateExpiries } from '@osb-backup/node'
import { StoreError, trustedCertificates } from '@osb-backup/storage'
import type { Context } from '../context/context.ts'
import { RequestError } from '../shared/request-error.ts'
import { type CheckResult, claimChecks, recordCheck, syncChecks } from './checks-repository.ts'
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
 * Checks destinations that are due. A check reads and writes nothing: it asks for an object, and
 * when the credentials expire.
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
  const signal = AbortSignal.any([stop, timeout])
  const found = await askStore(context, destination, signal).catch((error: unknown) => {
    if (stop.aborted) throw error
    if (error instanceof StoreError) return { error: explainFailure(error, destination.store, 'read') }
    if (error instanceof RequestError) return { error: error.message }
    if (timeout.aborted) return { error: `no answer within ${CHECK_TIMEOUT_MS / 1000} seconds.` }
    throw error
  })
  const certificatesExpireAt = certificateExpiries(trustedCertificates(destination.store) ?? '')
  await recordCheck(context, destination.id, { ...found, certificatesExpireAt })
}

async function askStore(
  context: CheckContext,
  destination: FileDestination,
  signal: AbortSignal,
): Promise<Pick<CheckResult, 'error' | 'credentialsExpireAt'>> {
  await checkAllowed(destination.store, context)
  const store = openDestination(destination.store, context, { retry: false })
  await store.head(ABSENT_NAME, { signal })
  try {
    return { error: undefined, credentialsExpireAt: await store.credentialsExpireAt?.({ signal }) }
  } catch (error) {
    // A destination that can be used does not fail because of what nobody needs to know for that.
    if (error instanceof StoreError || signal.aborted) return { error: undefined }
    throw error
  }
}
