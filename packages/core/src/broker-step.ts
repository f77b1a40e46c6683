/**
 * What is known of an instance or a binding at a service broker:
 * - `absent`: nothing was requested, or the broker has rejected or deleted it.
 * - `requested`: a request to create it may have reached the broker.
 * - `creating`: the broker works on it.
 * - `created`: it exists.
 * - `deleting`: the broker works on its deletion.
 */
export type BrokerResourceState = 'absent' | 'requested' | 'creating' | 'created' | 'deleting'

/** What decides the next call for an instance at a service broker. */
export interface BrokerInstanceFacts {
  /** Whether somebody needs it; otherwise everything that may exist of it is deleted. */
  isWanted: boolean
  instance: BrokerResourceState
  binding: BrokerResourceState
  isBindable: boolean
  /** The credentials of the binding are known. */
  hasCredentials: boolean
  /** The manager knows it as a service instance. */
  isRegistered: boolean
}

/** The next call for an instance; `register` and `deregister` are the manager's own. */
export type BrokerStep =
  | 'provision'
  | 'poll-provision'
  | 'bind'
  | 'poll-bind'
  | 'fetch-binding'
  | 'register'
  | 'unbind'
  | 'poll-unbind'
  | 'deprovision'
  | 'poll-deprovision'
  | 'deregister'

/**
 * Decides what is done next for an instance at a service broker. The caller records that before and after: a step that a
 * crash interrupted is decided again. A request to provision is then repeated under its id, which the specification makes safe; a
 * binding whose credentials were lost with the answer is deleted, and another one requested.
 *
 * @returns Undefined if nothing is left to be done.
 */
export function nextBrokerStep(facts: BrokerInstanceFacts): BrokerStep | undefined {
  return facts.isWanted ? nextCreation(facts) : nextDeletion(facts)
}

function nextCreation(facts: BrokerInstanceFacts): BrokerStep | undefined {
  switch (facts.instance) {
    case 'absent':
    case 'requested':
      return 'provision'
    case 'creating':
      return 'poll-provision'
    case 'created':
      return facts.isBindable ? nextOfBinding(facts) : nextRegistration(facts)
    case 'deleting':
      return 'poll-deprovision'
  }
}

function nextOfBinding(facts: BrokerInstanceFacts): BrokerStep | undefined {
  switch (facts.binding) {
    case 'absent':
      return 'bind'
    case 'requested':
      return 'unbind'
    case 'creating':
      return 'poll-bind'
    case 'created':
      return facts.hasCredentials ? nextRegistration(facts) : 'fetch-binding'
    case 'deleting':
      return 'poll-unbind'
  }
}

const nextRegistration = ({ isRegistered }: BrokerInstanceFacts) => (isRegistered ? undefined : 'register')

/** Bindings are deleted before their instance, as the specification demands. */
function nextDeletion({ instance, binding, isRegistered }: BrokerInstanceFacts): BrokerStep | undefined {
  if (binding === 'deleting') return 'poll-unbind'
  if (binding !== 'absent') return 'unbind'
  if (instance === 'deleting') return 'poll-deprovision'
  if (instance !== 'absent') return 'deprovision'
  return isRegistered ? 'deregister' : undefined
}
