import { getCACertificates } from 'node:tls'
import { followTlsFiles, loadTlsFiles, type TlsFilePaths, type TlsFiles } from '@osb-backup/node'
import { addressRule, connectorUnder } from '@osb-backup/storage'
import type { Logger } from 'pino'
import { Agent, type Dispatcher } from 'undici'

/** Time limit for establishing a connection. */
const CONNECT_TIMEOUT_MS = 10_000

/** Connections of one kind: which certificates are trusted, and which one the manager presents. */
export class TlsConnections {
  #dispatcher: Agent
  #unfollow: () => Promise<void> = async () => undefined

  private constructor(files: TlsFiles) {
    this.#dispatcher = dispatcherWith(files)
  }

  /**
   * Reads the certificates, and follows their files.
   *
   * @param peer - Whom they are for, in the log.
   * @throws {SettingsError} If they cannot be used.
   */
  static async open(paths: TlsFilePaths, peer: string, log: Logger): Promise<TlsConnections> {
    const files = await loadTlsFiles(paths)
    const connections = new TlsConnections(files)
    if (Object.values(paths).every((path) => path === undefined)) return connections
    connections.#unfollow = followTlsFiles(paths, files, {
      apply(renewed) {
        connections.#replace(dispatcherWith(renewed))
        log.info(`the certificates for ${peer} were renewed`)
      },
      reject: (problem) => log.error({ err: problem }, `new certificates for ${peer} are not used, the old ones stay`),
    })
    return connections
  }

  /** What calls are sent over. */
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

/** Private addresses are usual there, those of cloud metadata services never: brokers choose the addresses of agents. */
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
