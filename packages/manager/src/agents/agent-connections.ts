import { getCACertificates } from 'node:tls'
import { followTlsFiles, loadTlsFiles, type TlsFilePaths, type TlsFiles } from '@osb-backup/node'
import { addressRule, connectorUnder } from '@osb-backup/storage'
import type { Logger } from 'pino'
import { Agent, type Dispatcher } from 'undici'
import type { ManagerSettings } from '../settings/settings.ts'

/** Time limit for establishing a connection to an agent. */
const CONNECT_TIMEOUT_MS = 10_000

/** The connections to agents: which certificates of theirs are trusted, and which one the manager presents. */
export class AgentConnections {
  #dispatcher: Agent
  #unfollow: () => Promise<void> = async () => undefined

  private constructor(files: TlsFiles) {
    this.#dispatcher = dispatcherWith(files)
  }

  /**
   * Reads the certificates, and follows their files.
   *
   * @throws {SettingsError} If they cannot be used.
   */
  static async open(settings: ManagerSettings, log: Logger): Promise<AgentConnections> {
    const paths = filePaths(settings)
    const files = await loadTlsFiles(paths)
    const connections = new AgentConnections(files)
    if (Object.values(paths).every((path) => path === undefined)) return connections
    connections.#unfollow = followTlsFiles(paths, files, {
      apply(renewed) {
        connections.#replace(dispatcherWith(renewed))
        log.info('the certificates for agents were renewed')
      },
      reject: (problem) => log.error({ err: problem }, 'new certificates for agents are not used, the old ones stay'),
    })
    return connections
  }

  /** What calls to agents are sent over. */
  get dispatcher(): Dispatcher {
    return this.#dispatcher
  }

  /** Closes all connections, once their calls have ended. */
  async close(): Promise<void> {
    await this.#unfollow()
    await this.#dispatcher.close()
  }

  #replace(dispatcher: Agent): void {
    const old = this.#dispatcher
    this.#dispatcher = dispatcher
    // Its calls are finished first.
    void old.close().catch(() => undefined)
  }
}

const filePaths = ({ agentCaFile, agentCertificateFile, agentKeyFile }: ManagerSettings): TlsFilePaths => ({
  ca: agentCaFile === undefined ? undefined : { setting: 'AGENT_CA_FILE', path: agentCaFile },
  cert:
    agentCertificateFile === undefined ? undefined : { setting: 'AGENT_CERTIFICATE_FILE', path: agentCertificateFile },
  key: agentKeyFile === undefined ? undefined : { setting: 'AGENT_KEY_FILE', path: agentKeyFile },
})

/** Brokers choose the addresses of agents. They are private ones, and never those of cloud metadata services. */
function dispatcherWith({ ca, cert, key }: TlsFiles): Agent {
  return new Agent({
    connect: connectorUnder(addressRule('allow'), {
      timeout: CONNECT_TIMEOUT_MS,
      // A list replaces Node's own, so that is in it too.
      ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca.toString()] }),
      ...(cert === undefined || key === undefined ? {} : { cert: cert.toString(), key: key.toString() }),
    }),
  })
}
