import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'

const ROUNDS = 8
const hosts = [{ address: '10.0.0.5', port: 5432 }]

let fixture: Fixture

beforeAll(async () => {
  fixture = await startFixture()
})

afterAll(() => fixture?.[Symbol.asyncDispose]())

/** Registers an instance along with its agent, as the legacy API does. */
const register = (id: string, agent: object) =>
  fixture.call('PUT', `/serviceInstances/${id}`, { hosts: [{ ip: '10.0.0.5', port: 5432 }], agent })

const agentsAt = async (url: string) => (await fixture.client.agents.list({ q: url, limit: 100 })).items

test('concurrent registrations along with one new agent share it', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const agent = { url: `http://127.0.0.2:${9000 + round}`, username: 'agent', password: 'agent-secret' }
    const names = Array.from({ length: 6 }, (_, index) => `shared-${round}-${index}`)
    const answers = await Promise.all(names.map((name) => register(name, agent)))
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 201))
    expect(await agentsAt(agent.url)).toEqual([expect.objectContaining({ instanceCount: names.length })])
  }
})

test('another password creates another agent, and changes none that other instances use', async () => {
  const agent = { url: 'http://127.0.0.3:9000', username: 'agent', password: 'before' }
  await register('first', agent)
  await register('second', agent)
  await register('first', { ...agent, password: 'after' })
  expect((await agentsAt(agent.url)).map(({ instanceCount }) => instanceCount)).toEqual([1, 1])
  await register('second', { ...agent, password: 'after' })
  expect((await agentsAt(agent.url)).map(({ instanceCount }) => instanceCount)).toEqual([2])
})

test('no agent is deleted while an instance is registered with it', async () => {
  const { client } = fixture
  for (let round = 0; round < ROUNDS; round++) {
    const agent = await client.agents.create({ url: 'http://127.0.0.4:9', username: 'a', password: 'b' })
    const id = `racing-${round}`
    const [created, deleted] = await Promise.allSettled([
      client.instances.create({ id, agentId: agent.id, hosts }),
      client.agents.delete(agent.id),
    ])
    expect([created.status, deleted.status].toSorted()).toEqual(['fulfilled', 'rejected'])
    if (created.status === 'rejected') continue
    expect(await client.agents.get(agent.id)).toMatchObject({ instanceCount: 1, passwordSet: true })
  }
})

test('an agent that is registered along with an instance outlives another instance that is deleted meanwhile', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const agent = { url: `http://127.0.0.5:${9000 + round}`, username: 'agent', password: 'agent-secret' }
    await register(`old-${round}`, agent)
    const [created] = await Promise.all([
      register(`new-${round}`, agent),
      fixture.call('DELETE', `/serviceInstances/old-${round}`),
    ])
    expect(created.status).toBe(201)
    expect(await agentsAt(agent.url)).toEqual([expect.objectContaining({ instanceCount: 1, passwordSet: true })])
  }
})
