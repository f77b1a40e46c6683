import { execFile } from 'node:child_process'
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { serverAccount } from '../postgresql-pack/postgres-software.ts'
import { PostgresServer, superuser } from '../postgresql-pack/servers.ts'

const run = promisify(execFile)

/** In memory, where it has room: pgBackRest syncs each of the thousand files of a cluster. */
async function roomyParent(): Promise<string> {
  const { bavail, bsize } = await statfs('/dev/shm').catch(() => ({ bavail: 0, bsize: 0 }))
  return bavail * bsize > 2 ** 30 ? '/dev/shm' : '/tmp'
}

/** A real PostgreSQL cluster that archives into a repository of pgBackRest, both from Debian. */
export class PgbackrestCluster implements AsyncDisposable {
  readonly server: PostgresServer
  /** pgBackRest's configuration, with the stanzas `main` and `broken`. */
  readonly config: string
  /** Its repository. */
  readonly repository: string
  readonly #folder: string
  readonly #account: { uid?: number; gid?: number }

  private constructor(server: PostgresServer, folder: string, account: { uid?: number; gid?: number }) {
    this.server = server
    this.#folder = folder
    this.#account = account
    this.config = join(folder, 'pgbackrest.conf')
    this.repository = join(folder, 'repository')
  }

  static async start(): Promise<PgbackrestCluster> {
    const account = await serverAccount()
    const parent = await roomyParent()
    const folder = await mkdtemp(`${parent}/pgbackrest-`)
    if (account.uid !== undefined) await run('chown', [`${account.uid}:${account.gid}`, folder])
    const config = join(folder, 'pgbackrest.conf')
    const server = await PostgresServer.start({
      parent,
      settings: {
        archive_mode: 'on',
        archive_command: `pgbackrest --config=${config} --stanza=main archive-push %p`,
        log_min_messages: 'warning',
      },
      hba: [`local all ${superuser.username} trust`],
    })
    const cluster = new PgbackrestCluster(server, folder, account)
    const stanza = [`pg1-path=${server.data}`, `pg1-port=${server.port}`, `pg1-socket-path=${server.socketFolder}`]
    const paths = ['repo1-path', 'log-path', 'lock-path', 'spool-path']
    const folders = paths.map((name) => `${name}=${name === 'repo1-path' ? cluster.repository : join(folder, name)}`)
    const global = [...folders, 'log-level-file=off', 'archive-timeout=20', 'compress-type=zst', 'repo1-bundle=y']
    const user = `pg1-user=${superuser.username}`
    const text = ['[global]', ...global, '', '[main]', ...stanza, user, '', '[broken]', ...stanza, user]
    await writeFile(config, `${text.join('\n')}\n`, { mode: 0o644 })
    await cluster.pgbackrest('stanza-create')
    return cluster
  }

  /** Runs a command of pgBackRest on the stanza, as the account of the server. */
  async pgbackrest(...args: string[]): Promise<string> {
    const all = [`--config=${this.config}`, '--stanza=main', '--log-level-console=warn', ...args]
    return (await run('pgbackrest', all, { ...this.#account, cwd: '/' })).stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
