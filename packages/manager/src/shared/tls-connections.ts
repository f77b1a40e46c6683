import { getCACertificates } from 'node:tls'
import { followTlsFiles, loadTlsFiles, type TlsFilePaths, type TlsFiles } from '@osb-backup/node'
import { addressRule, connectorUnder } from '@osb-backup/storage'
import type { Logger } from 'pino'
import { Agent, type buildConnector, type Dispatcher } from 'undici'

/** Time limit for establishing a connection. */
const CONNECT_TIMEOUT_MS = 10_000

/** Opens the connections of a dispatcher. */
export type Connector = buildConnector.connector

/** What opens connections with certificates from files; another one when the files were replaced. */
export class TlsConnector {
  #connect: Connector
  #unfollow: () => Promise<void> = async () => undefined

  private constructor(files: TlsFiles) {
    this.#connect = connectorWithFiles(files)
  }

  /**
   * Reads the certificates, and follows their files.
   *
   * @param peer - Whom they are for, in the log.
   * @throws {SettingsError} If they cannot be used.
   */
  static async open(paths: TlsFilePaths, peer: string, log: Logger): Promise<TlsConnector> {
    const files = await loadTlsFiles(paths)
    const connector = new TlsConnector(files)
    if (Object.values(paths).every((path) => path === undefined)) return connector
    connector.#unfollow = followTlsFiles(paths, files, {
      apply(renewed) {
        connector.#connect = connectorWithFiles(renewed)
        log.info(`the certificates for ${peer} were renewed`)
      },
      reject: (problem) => log.error({ err: problem }, `new certificates for ${peer} are not used, the old ones stay`),
    })
    return connector
  }

  get connect(): Connector {
    return this.#connect
  }

  /** Stops following the files. */
  close(): Promise<void> {
    return this.#unfollow()
  }
}

/** Connections of one kind: which certificates are trusted, and which one the manager presents. */
export class TlsConnections {
  readonly #connector: TlsConnector
  #connect: Connector
  #dispatcher: Agent

  private constructor(connector: TlsConnector) {
    this.#connector = connector
    this.#connect = connector.connect
    this.#dispatcher = new Agent({ connect: this.#connect })
  }

  /**
   * Reads the certificates, and follows their files.
   *
   * @param peer - Whom they are for, in the log.
   * @throws {SettingsError} If they cannot be used.
   */
  static async open(paths: TlsFilePaths, peer: string, log: Logger): Promise<TlsConnections> {
    return new TlsConnections(await TlsConnector.open(paths, peer, log))
  }

  /** What calls are sent over. */
  get dispatcher(): Dispatcher {
    const { connect } = this.#connector
    if (connect !== this.#connect) {
      // Calls over connections with the former certificates are finished first.
      void this.#dispatcher.close().catch(() => undefined)
      this.#connect = connect
      this.#dispatcher = new Agent({ connect })
    }
    return this.#dispatcher
  }

  /** Closes all connections, once their calls have ended. */
  async close(): Promise<void> {
    await this.#connector.close()
    await this.#dispatcher.close()
  }
}

/**
 * Creates what opens connections. Private addresses are usual there, those of cloud metadata services never: brokers choose the
 * addresses of agents.
 */
export const createConnector = (tls: buildConnector.BuildOptions): Connector =>
  connectorUnder(addressRule('allow'), { timeout: CONNECT_TIMEOUT_MS, ...tls })

const connectorWithFiles = ({ ca, cert, key }: TlsFiles): Connector =>
  createConnector({
    // A list replaces Node's own, so that is in it too.
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca.toString()] }),
    ...(cert === undefined || key === undefined ? {} : { cert: cert.toString(), key: key.toString() }),
  })
