import {
  causeOfFailure,
  type FailureCause,
  regionInAnswer,
  type StoreError,
  type StoreSettings,
  type StoreTerms,
  signOfFailure,
  stores,
} from '@osb-backup/storage'

/**
 * Says in one sentence why a destination does not work, and what to do.
 *
 * @param doing - What was tried, such as `write`.
 */
export function explainFailure(error: StoreError, settings: StoreSettings, doing: string): string {
  const cause = causeOfFailure(error)
  const terms = stores.kindOf(settings).terms(settings)
  if (cause === undefined || terms === undefined) return error.message
  const details = { sign: signOfFailure(error), bucketRegion: regionInAnswer(error) }
  return sentenceOf(cause, terms, doing, details) ?? error.message
}

/** Undefined where the store's own message says more. */
function sentenceOf(
  cause: FailureCause,
  terms: StoreTerms,
  doing: string,
  { sign, bucketRegion }: { sign: string; bucketRegion: string | undefined },
): string | undefined {
  const { server, container, region } = terms
  switch (cause) {
    case 'address':
      return `the operator does not allow the address of ${server}, or an address that it refers to.`
    case 'dns':
      return `DNS knows no host of that name: correct ${server}, or the catalog behind it (${sign}).`
    case 'tls':
      return `no TLS connection to ${server} can be trusted: check its certificate, and whether it speaks https (${sign}).`
    case 'connection':
      return `nothing answers at ${server}: check host, port and firewalls (${sign}).`
    case 'clock':
      return 'the clocks of the manager and of the store differ too much: correct them.'
    case 'region': {
      // No region that was found, but one that cannot be: the message says why.
      if (sign === 'NoSuchRegion' || sign === 'InvalidRegion') return undefined
      const found = bucketRegion === undefined ? '' : `, in ${JSON.stringify(bucketRegion)}`
      return `the ${container} is in another region than ${JSON.stringify(region)}${found}: correct the region, or the endpoint.`
    }
    case 'credentials':
      return terms.wrongCredentials
    case 'bucket':
      return `there is no ${container}: create it, or correct its name.`
    case 'permission':
      return `the credentials are valid, but lack the permission to ${doing} in the ${container}.`
    default:
      return undefined
  }
}
