import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { BackupClient } from '@osb-backup/client'
import type { ServiceBroker, ServiceBrokerCreate } from '@osb-backup/protocol/v1'
import { type ManagerProcess, makeTemporaryFolder, PostgresqlBroker, startManagerProcess } from '@osb-backup/testkit'
import { inject } from 'vitest'

const { host, port, username, password } = inject('lab').postgresql
/** The lab's PostgreSQL, as the broker uses it. */
const labServer = { host, port, username, password }

/** A manager that others kill, and start again on the same data. */
export interface Managed extends AsyncDisposable {
  readonly manager: ManagerProcess
  readonly client: BackupClient
  folder: string
  /** As a crash would. */
  kill(): Promise<void>
  start(): Promise<void>
}

export async function startManaged(settings: Record<string, string> = {}): Promise<Managed> {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(await makeTemporaryFolder()).path
  const start = () =>
    startManagerProcess({ DATA_DIR: join(folder, 'manager'), ALARM_INTERVAL_SECONDS: '1', ...settings })
  let manager = await start()
  stack.defer(() => manager.stop())
  return {
    folder,
    get manager() {
      return manager
    },
    get client() {
      return manager.client
    },
    async kill() {
      await manager.kill()
    },
    async start() {
      manager = await start()
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

type BrokerOptions = Parameters<typeof PostgresqlBroker.start>[0]

/** Starts a broker on the lab's PostgreSQL, with names of its own. */
export function startBroker(options: Partial<BrokerOptions> = {}): Promise<PostgresqlBroker> {
  return PostgresqlBroker.start({ server: labServer, prefix: `t${randomBytes(4).toString('hex')}_`, ...options })
}

/** What a broker is registered with at the manager. */
export const accessOf = ({ url, username: user, password: secret }: PostgresqlBroker) => ({
  url,
  username: user,
  password: secret,
})

/** Registers a broker at a manager. */
export function registerBroker(
  client: BackupClient,
  broker: PostgresqlBroker,
  fields: Partial<ServiceBrokerCreate> = {},
): Promise<ServiceBroker> {
  return client.serviceBrokers.create({ name: 'postgresql', ...accessOf(broker), requestTimeoutSeconds: 2, ...fields })
}
