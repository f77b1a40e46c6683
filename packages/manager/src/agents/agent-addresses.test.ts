import { Agent } from 'undici'
import { expect, test } from 'vitest'
import { createConnector } from '../shared/tls-connections.ts'
import { readAtAgent } from './agent-client.ts'

test.for(['http://169.254.169.254', 'http://[fe80::1]:5000', 'https://[::ffff:169.254.169.254]'])(
  'an agent registered at %s is never connected to',
  async (url) => {
    const dispatcher = new Agent({ connect: createConnector({}) })
    const options = { dispatcher, signal: new AbortController().signal }
    const answer = await readAtAgent({ url, username: 'agent', password: 'secret' }, 'backup', 'job', options)
    expect(answer).toMatchObject({ kind: 'unreachable', mayHaveArrived: false })
    expect(answer).toHaveProperty('reason', expect.stringContaining('may not be connected to'))
    await dispatcher.close()
  },
)
