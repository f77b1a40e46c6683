import { X509Certificate } from 'node:crypto'
import { errorMessage, SettingsError, type TlsFiles } from '@osb-backup/node'
import type { Logger } from 'pino'
import type { AgentSettings } from '../settings/agent-settings.ts'
import { type CurrentCertificate, readEnrolmentFile, writeEnrolmentFile } from './enrolment-file.ts'
import {
  digestOf,
  EnrolmentRefused,
  hasFingerprint,
  type ManagerAddress,
  renewCertificate,
  requestCertificate,
} from './manager-calls.ts'

type EnrolmentSettings = NonNullable<AgentSettings['enrolment']>

interface Dependencies {
  settings: EnrolmentSettings
  /** CAs of the manager's API in PEM. */
  ca: string | undefined
  stateDirectory: string
  log: Logger
  now: () => Date
}

/** The certificate that an enrolled agent presents, and what renews it. */
export class AgentIdentity {
  readonly #deps: Dependencies
  readonly #manager: ManagerAddress
  #current: CurrentCertificate
  /** The key of a renewal whose answer did not arrive. */
  #nextKey: string | undefined
  #renewalProblem: string | undefined

  private constructor(deps: Dependencies, manager: ManagerAddress, current: CurrentCertificate) {
    this.#deps = deps
    this.#manager = manager
    this.#current = current
  }

  /**
   * Uses the stored certificate; without one, or with a new token, the agent is enrolled first. Where there is a certificate, a new
   * token that is not accepted is logged.
   *
   * @throws {SettingsError} If the agent has no certificate and gets none.
   */
  static async open(deps: Dependencies): Promise<AgentIdentity> {
    const { settings, ca, stateDirectory, log, now } = deps
    const manager = { url: settings.url, fingerprint: settings.fingerprint, ca }
    const stored = await readEnrolmentFile(stateDirectory)
    const current =
      stored.current !== undefined && hasFingerprint(stored.current.caCertificate, settings.fingerprint)
        ? stored.current
        : undefined
    const isNewToken = settings.token !== undefined && digestOf(settings.token) !== stored.tokenDigest
    if (current === undefined || isNewToken) {
      try {
        return new AgentIdentity(deps, manager, await enrol(deps, manager))
      } catch (error) {
        if (current === undefined) throw asSettingsError(error)
        log.error({ err: errorMessage(error) }, 'enrolment_token is not used, the certificate from before stays')
      }
    }
    if (current === undefined) throw new SettingsError('enrolment_token must be set: the agent was not enrolled yet.')
    const identity = new AgentIdentity(deps, manager, current)
    if (identity.expiresAt <= now()) {
      const message = 'the certificate has expired: enrol the agent with a new token'
      log.error({ expiredAt: identity.expiresAt }, message)
    }
    return identity
  }

  /** What the server uses: callers must present a certificate of the manager. */
  get tls(): TlsFiles {
    const { certificate, key, caCertificate } = this.#current
    return { cert: Buffer.from(certificate), key: Buffer.from(key), ca: Buffer.from(caCertificate) }
  }

  get expiresAt(): Date {
    return new X509Certificate(this.#current.certificate).validToDate
  }

  /** Why the last attempt to renew the certificate failed. */
  get renewalProblem(): string | undefined {
    return this.#renewalProblem
  }

  /** Renews the certificate if that is due. Returns whether `tls` is another one now; a failure is logged, once for each reason. */
  async renewIfDue(stopping: AbortSignal): Promise<boolean> {
    const { settings, stateDirectory, log, now } = this.#deps
    if (now() < renewalAt(this.#current.certificate, settings.renewalPercent)) return false
    try {
      const { createRequest, generateKey } = await import('./certificate-request.ts')
      this.#nextKey ??= await generateKey()
      const key = this.#nextKey
      const certificateRequest = await createRequest(key)
      const renewed = await renewCertificate(this.#manager, this.#current, { key, certificateRequest }, stopping)
      // Stored first: once it was presented the manager accepts no earlier one.
      await writeEnrolmentFile(stateDirectory, { ...(await readEnrolmentFile(stateDirectory)), current: renewed })
      this.#current = renewed
      this.#nextKey = undefined
      this.#renewalProblem = undefined
      log.info({ expiresAt: this.expiresAt }, 'the certificate was renewed')
      return true
    } catch (error) {
      if (stopping.aborted) return false
      const problem = errorMessage(error)
      if (problem !== this.#renewalProblem) {
        log.error({ err: problem, expiresAt: this.expiresAt }, 'the certificate was not renewed; will be retried')
      }
      this.#renewalProblem = problem
      return false
    }
  }
}

/** When a certificate is due to be renewed: after a part of its lifetime. */
function renewalAt(certificate: string, percent: number): Date {
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  const lifetimeMs = validToDate.getTime() - validFromDate.getTime()
  return new Date(validFromDate.getTime() + (lifetimeMs * percent) / 100)
}

async function enrol(
  { settings: { token }, stateDirectory, log }: Dependencies,
  manager: ManagerAddress,
): Promise<CurrentCertificate> {
  if (token === undefined) throw new EnrolmentRefused('enrolment_token must be set: the agent was not enrolled yet')
  const { createRequest, generateKey } = await import('./certificate-request.ts')
  const stored = await readEnrolmentFile(stateDirectory)
  const tokenDigest = digestOf(token)
  // The answer to a request of before may have been lost: the manager repeats it for the same key alone.
  const key = stored.pending?.tokenDigest === tokenDigest ? stored.pending.key : await generateKey()
  await writeEnrolmentFile(stateDirectory, { ...stored, pending: { key, tokenDigest } })
  const body = { token, certificateRequest: await createRequest(key) }
  const current = await requestCertificate(manager, body, key, new AbortController().signal)
  await writeEnrolmentFile(stateDirectory, { current, tokenDigest })
  log.info({ agentId: current.agentId }, 'the agent was enrolled')
  return current
}

function asSettingsError(error: unknown): SettingsError {
  if (error instanceof SettingsError) return error
  const advice =
    error instanceof EnrolmentRefused
      ? 'Create a new token: osb-backup agent enrol <agent>'
      : 'The agent tries again when it is started again'
  return new SettingsError(`The agent was not enrolled: ${errorMessage(error)}. ${advice}.`)
}
