import { parseArgs } from 'node:util'
import { handleShutdownSignals } from '@osb-backup/node'
import { PostgresqlBroker } from './broker.ts'

const help = `node packages/testkit/src/postgresql-broker/main.ts --server postgresql://USER:PASSWORD@HOST:PORT [options]

A service broker that sells databases on a PostgreSQL server, for tests and trials.

  --port PORT            where it listens on 127.0.0.1; a free port by default
  --prefix PREFIX        of the names of all databases and roles; svc_ by default
  --username, --password of the platform; platform and password-of-the-platform by default
  --state FILE           what it knows survives a restart in this file
  --operation-ms MS      how long an operation in the background takes at least
  --control              POST /control/faults makes requests fail, DELETE /control/faults ends that; with the same credentials
  --manager URL          registers its instances at this manager, with
  --token TOKEN            a token of the role broker,
  --agent URL              the agent beside the server,
  --agent-username, --agent-password`

const { values } = parseArgs({
  options: {
    ...{ server: { type: 'string' }, port: { type: 'string' }, prefix: { type: 'string', default: 'svc_' } },
    ...{ username: { type: 'string' }, password: { type: 'string' }, state: { type: 'string' } },
    ...{ 'operation-ms': { type: 'string', default: '0' }, manager: { type: 'string' }, token: { type: 'string' } },
    ...{ agent: { type: 'string' }, 'agent-username': { type: 'string' }, 'agent-password': { type: 'string' } },
    ...{ control: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  },
} as const)

async function main(): Promise<void> {
  if (values.help || values.server === undefined) {
    console.log(help)
    process.exitCode = values.help ? 0 : 2
    return
  }
  const server = new URL(values.server)
  const { manager, token = '', agent = '' } = values
  const broker = await PostgresqlBroker.start({
    server: {
      host: server.hostname,
      port: Number(server.port || 5432),
      username: decodeURIComponent(server.username),
      password: decodeURIComponent(server.password),
    },
    prefix: values.prefix,
    hasControl: values.control,
    operationMs: Number(values['operation-ms']),
    ...(values.port && { port: Number(values.port) }),
    ...(values.username && { username: values.username }),
    ...(values.password && { password: values.password }),
    ...(values.state && { stateFile: values.state }),
    ...(manager && {
      registration: {
        manager: { url: manager, token },
        agent: { url: agent, username: values['agent-username'] ?? '', password: values['agent-password'] ?? '' },
      },
    }),
  })
  console.log(`The broker listens on ${broker.url}`)
  handleShutdownSignals(process, () => performance.now(), {
    shutdown: () => void broker.stop().then(() => process.exit(0)),
    forceExit: () => process.exit(1),
  })
}

await main()
