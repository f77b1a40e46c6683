import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import type { Agent } from 'node:http'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'

/**
 * Decides whether an IP address may be connected to. It is consulted before every connection, for an address in a URL
 * and for all addresses that a name resolves to at that moment, so that no name can lead elsewhere later.
 */
export type AddressRule = (address: string) => boolean

/** `code` of the error for an address that the rule rejects. */
const FORBIDDEN_ADDRESS = 'ERR_ADDRESS_FORBIDDEN'

function forbidden(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${host} may not be connected to`), { code: FORBIDDEN_ADDRESS })
}

/**
 * Why a host that is an address may not be connected to; undefined for names, which are checked when they are resolved.
 */
function refusalOf(host: string | null | undefined, rule: AddressRule): NodeJS.ErrnoException | undefined {
  const address = (host ?? '').replace(/^\[|\]$/g, '')
  return isIP(address) !== 0 && !rule(address) ? forbidden(address) : undefined
}

/** The system's lookup; a name with an address that the rule rejects is not resolved at all. */
function lookupUnder(rule: AddressRule): LookupFunction {
  return (hostname, options, callback) => {
    systemLookup(hostname, options, (error: Error | null, found: string | LookupAddress[], family?: number) => {
      const addresses = typeof found === 'string' ? [found] : (found ?? []).map(({ address }) => address)
      callback(error ?? (addresses.every(rule) ? null : forbidden(hostname)), found as string, family)
    })
  }
}

/** Restricts an agent of Node's to a rule, and returns it. */
export function restrictAddresses<A extends Agent>(agent: A, rule: AddressRule | undefined): A {
  if (rule === undefined) return agent
  const connect = agent.createConnection.bind(agent)
  const lookup = lookupUnder(rule)
  agent.createConnection = (options, callback) => {
    const refusal = refusalOf(options.host, rule)
    if (refusal === undefined) return connect({ ...options, lookup }, callback)
    callback?.(refusal, undefined as never)
    return undefined
  }
  return agent
}

/** A connector for undici that enforces a rule. */
export function connectorUnder(rule: AddressRule, options: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector({ ...options, lookup: lookupUnder(rule) })
  return (wanted, callback) => {
    const refusal = refusalOf(wanted.hostname, rule)
    if (refusal === undefined) connect(wanted, callback)
    else callback(refusal, null)
  }
}
