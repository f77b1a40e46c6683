import { pino } from 'pino'
import { expect, test } from 'vitest'
import { readSettings } from '../settings/settings.ts'
import { readAtAgent } from './agent-client.ts'
import { openAgentConnections } from './open-connections.ts'

test.for(['http://169.254.169.254', 'http://[fe80::1]:5000', 'https://[::ffff:169.254.169.254]'])(
  'whoever registers an agent at %s reaches nothing there',
  async (url) => {
    const connections = await openAgentConnections(readSettings({}), pino({ level: 'silent' }))
    const { dispatcher } = connections
    const options = { dispatcher, signal: new AbortController().signal }
    const answer = await readAtAgent({ url, username: 'agent', password: 'secret' }, 'backup', 'job', options)
    expect(answer).toMatchObject({ kind: 'unreachable', mayHaveArrived: false })
    expect(answer).toHaveProperty('reason', expect.stringContaining('may not be connected to'))
    await connections.close()
  },
)
