/** What a host observed of PostgreSQL's clock, beside its own count of the seconds since it booted. */
export interface ClockObservation {
  /** PostgreSQL's clock. */
  at: Date
  /** The host's, which no clock setting changes and which counts while the host sleeps. */
  uptimeSeconds: number
}

/** The last observation of a boot of a host. */
export interface HostObservation extends ClockObservation {
  /** PostgreSQL's clock since when all observations of this boot agree with its uptime. */
  steadySince: Date
}

/** How far PostgreSQL's clock may differ from a host's count of the time between two observations. */
const TOLERANCE_MS = 3_600_000

/**
 * Decides whether PostgreSQL's clock was set: whether it advanced by more than an hour more, or less, than the time that passed.
 * An outage of all managers is no jump, however long: a manager that was restarted since the host booted knows the uptime
 * of the last observation, and on other hosts only a clock that went back shows.
 *
 * @param own - The last observation of this boot; undefined if this is its first.
 * @param others - Those of other hosts, and of earlier boots.
 * @returns By how much it jumped; undefined if it did not.
 */
export function clockJumpMs(
  now: ClockObservation,
  own: HostObservation | undefined,
  others: readonly HostObservation[],
): number | undefined {
  const newest = Math.max(...[own, ...others].flatMap((each) => each?.at.getTime() ?? []))
  const backMs = newest - now.at.getTime()
  if (backMs > TOLERANCE_MS) return -backMs
  if (own === undefined) return undefined
  const differenceMs = driftMs(now, own)
  if (Math.abs(differenceMs) <= TOLERANCE_MS) return undefined
  // A virtual machine that was paused counts too little: another host observed a steady clock meanwhile.
  const isWitnessed = others.some(
    ({ at, steadySince }) => steadySince <= own.at && now.at.getTime() - at.getTime() <= TOLERANCE_MS,
  )
  return isWitnessed ? undefined : differenceMs
}

/** The observation of a host that follows its last one. */
export function nextObservation(now: ClockObservation, own: HostObservation | undefined): HostObservation {
  const isSteady = own !== undefined && Math.abs(driftMs(now, own)) <= TOLERANCE_MS
  return { ...now, steadySince: isSteady ? own.steadySince : now.at }
}

/** How much more PostgreSQL's clock advanced than the host counted. */
function driftMs(now: ClockObservation, before: ClockObservation): number {
  const clockMs = now.at.getTime() - before.at.getTime()
  return clockMs - (now.uptimeSeconds - before.uptimeSeconds) * 1000
}
