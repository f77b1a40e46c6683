import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { isLoopbackHost } from '@osb-backup/node'
import type { Logger } from 'pino'
import { Agent, type buildConnector, type Dispatcher } from 'undici'
import { ClientCertificates, fingerprintOf } from '../certificates/authority.ts'
import type { Context } from '../context/context.ts'
import type { ManagerSettings } from '../settings/settings.ts'
import { type Connector, createConnector, TlsConnector } from '../shared/tls-connections.ts'
import { AGENT_NOT_TRUSTED } from './agent-transport.ts'
import { expiryOf } from './enrolment.ts'
import { adoptNext, type Enrolment, findEnrolment } from './enrolment-repository.ts'

/** How many calls a connection serves: the certificate of an agent is compared again with each new one. */
const CALLS_PER_CONNECTION = 20
/** How many agents have connections that are kept; those used least recently are closed. */
const MAX_AGENTS = 5000

/**
 * Reads the certificates for agents that were not enrolled, and follows their files.
 *
 * @throws {SettingsError} If they cannot be used.
 */
export function openAgentFiles(settings: ManagerSettings, log: Logger): Promise<TlsConnector> {
  const { agentCaFile, agentCertificateFile, agentKeyFile } = settings
  const file = (setting: string, path: string | undefined) => (path === undefined ? undefined : { setting, path })
  const paths = {
    ca: file('AGENT_CA_FILE', agentCaFile),
    cert: file('AGENT_CERTIFICATE_FILE', agentCertificateFile),
    key: file('AGENT_KEY_FILE', agentKeyFile),
  }
  return TlsConnector.open(paths, 'agents', log)
}

type ConnectionContext = Pick<Context, 'database' | 'sealer' | 'log' | 'settings'>

/** The agent at the other end is not the one that was enrolled, or it is not known whether it is. */
class AgentNotTrusted extends Error {
  override readonly name = 'AgentNotTrusted'
  readonly code = AGENT_NOT_TRUSTED
}

/**
 * The connections to agents: which certificates of theirs are trusted, and which one the manager presents. An agent that was
 * enrolled must present its own certificate, and no other one of the same CA will do; the others are trusted as the settings say.
 */
export class AgentConnections {
  readonly #context: ConnectionContext
  readonly #certificates: ClientCertificates
  readonly #dispatchers = new Map<string, Agent>()
  readonly #files: TlsConnector

  /** @param files - For agents that were not enrolled. */
  constructor(files: TlsConnector, context: ConnectionContext) {
    this.#files = files
    this.#context = context
    this.#certificates = new ClientCertificates(context)
  }

  /** What calls to an agent are sent over. */
  dispatcherFor(agentId: string): Dispatcher {
    const known = this.#dispatchers.get(agentId)
    const dispatcher = known ?? this.#newDispatcher(agentId)
    this.#dispatchers.delete(agentId)
    this.#dispatchers.set(agentId, dispatcher)
    const [oldest] = this.#dispatchers
    if (this.#dispatchers.size > MAX_AGENTS && oldest !== undefined) {
      this.#dispatchers.delete(oldest[0])
      // Its calls are finished first.
      void oldest[1].close().catch(() => undefined)
    }
    return dispatcher
  }

  /** Closes all connections, once their calls have ended. */
  async close(): Promise<void> {
    await this.#files.close()
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.close()))
  }

  #newDispatcher(agentId: string): Agent {
    return new Agent({
      maxRequestsPerClient: CALLS_PER_CONNECTION,
      connect: (options, callback) => {
        this.#connectorFor(agentId, options).then(
          (connect) => connect(options, callback),
          (error: unknown) => callback(asConnectError(error), null),
        )
      },
    })
  }

  /** Asked for each connection: another manager may have enrolled the agent, or renewed its certificate. */
  async #connectorFor(
    agentId: string,
    { protocol, hostname }: Pick<buildConnector.Options, 'protocol' | 'hostname'>,
  ): Promise<Connector> {
    const { plainHttp } = this.#context.settings
    if (protocol !== 'https:' && plainHttp === 'forbid' && !isLoopbackHost(hostname)) {
      throw new AgentNotTrusted('PLAIN_HTTP is forbidden, so its url must begin with https://')
    }
    const enrolment = await findEnrolment(this.#context, agentId)
    if (enrolment === undefined) throw new AgentNotTrusted('the agent was deleted')
    if (enrolment.certificate === undefined) return this.#files.connect
    if (protocol !== 'https:') throw new AgentNotTrusted('it was enrolled, so its url must begin with https://')
    return createConnector({
      ...(await this.#certificates.tls(enrolment.now)),
      // The certificate of a resumed session would not be compared.
      maxCachedSessions: 0,
      checkServerIdentity: (host: string, presented: PeerCertificate) =>
        checkServerIdentity(host, presented) ?? this.#judge(enrolment, presented.fingerprint256),
    })
  }

  #judge({ id, certificate, nextCertificate }: Enrolment, fingerprint: string): Error | undefined {
    if (certificate !== undefined && fingerprintOf(certificate) === fingerprint) return undefined
    if (nextCertificate === undefined || fingerprintOf(nextCertificate) !== fingerprint) {
      return new AgentNotTrusted('it presents another certificate than the one that this agent was enrolled with')
    }
    adoptNext(this.#context, id, nextCertificate, expiryOf(nextCertificate)).catch((error: unknown) =>
      this.#context.log.warn({ err: error, agentId: id }, 'the renewed certificate of an agent is not recorded yet'),
    )
    return undefined
  }
}

function asConnectError(cause: unknown): Error {
  if (cause instanceof AgentNotTrusted) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new AgentNotTrusted(`its certificate cannot be compared with the stored one (${reason})`, { cause })
}
