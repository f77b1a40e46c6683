import { randomUUID } from 'node:crypto'
import type { DrillSettings } from '@osb-backup/protocol/v1'
import { type PostgresqlBroker, SERVICE_ID } from '@osb-backup/testkit'
import { type PostgresqlFixture, startPostgresqlFixture } from '../drills/postgresql-fixture.ts'
import { registerBroker, startBroker } from './broker-fixture.ts'

/** A database that is backed up, and a broker that registers the instances it sells at the manager. */
export interface BrokeredFixture extends AsyncDisposable {
  postgresql: PostgresqlFixture
  broker: PostgresqlBroker
  serviceBrokerId: string
  /** A drill target, with a plan of the broker. */
  targetOf(servicePlan: string): DrillSettings['target']
}

export async function startBrokeredFixture(): Promise<BrokeredFixture> {
  const stack = new AsyncDisposableStack()
  const postgresql = stack.use(await startPostgresqlFixture())
  const { fixture } = postgresql
  const { client, agent } = fixture
  const { token } = await client.tokens.create({ name: `broker-${randomUUID()}`, role: 'broker', instances: [] })
  const broker = stack.use(
    await startBroker({
      registration: {
        // Wherever the manager listens once it was started again.
        manager: {
          get url() {
            return fixture.manager.url
          },
          token,
        },
        agent: { url: agent.url, username: agent.username, password: agent.password },
        parameters: { mode: 'in-place', missing_roles: 'skip' },
      },
    }),
  )
  const { id: serviceBrokerId } = await registerBroker(client, broker, { requestTimeoutSeconds: 30 })
  return {
    postgresql,
    broker,
    serviceBrokerId,
    targetOf: (servicePlan) => ({ kind: 'service-broker', serviceBrokerId, service: SERVICE_ID, servicePlan }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
