import { join } from 'node:path'
import { makeTemporaryFolder, startManagerProcess, TEST_TOKEN } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { registerInstance, unreachableAgent } from '../fixtures/register-instance.ts'

interface Event {
  id: string
  status: string
  instance: string
}

/** Follows the events of a token until the stream ends or is cancelled. */
async function follow(url: string, token: string, query = '') {
  const stop = new AbortController()
  const response = await fetch(`${url}/events${query}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: stop.signal,
  })
  const events: Event[] = []
  const read = async () => {
    let text = ''
    for await (const chunk of (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const data = /^event: job\ndata: (.*)$/.exec(block)?.[1]
        if (data === undefined) continue
        const job = JSON.parse(data)
        events.push({ id: job.id, status: job.status, instance: job.serviceInstance.service_instance_id })
      }
    }
  }
  const ended = read().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  return { status: response.status, events, ended, stop: () => stop.abort() }
}

test('a caller hears of the jobs of its instances as they change, and of no others; the stream ends with the manager', async () => {
  await using folder = await makeTemporaryFolder()
  const manager = await startManagerProcess({
    DATA_DIR: folder.path,
    FILE_DESTINATION_ROOT: folder.path,
    AGENT_UNREACHABLE_SECONDS: '1',
  })
  const { client, url } = manager
  const plans: Record<string, string> = {}
  for (const id of ['mine', 'theirs']) {
    await registerInstance(client, id, unreachableAgent)
    const store = { kind: 'file', directory: join(folder.path, id) } as const
    const destination = await client.destinations.create({ instanceId: id, name: 'f', store })
    const plan = await client.plans.create({
      instanceId: id,
      name: 'nightly',
      destinationId: destination.id,
      schedule: { cron: '0 0 2 * * *' },
      retention: { style: 'all' },
      items: ['db1'],
    })
    plans[id] = plan.id
  }
  const made = await fetch(`${url}/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TEST_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'viewer of mine', role: 'viewer', serviceInstances: ['mine'] }),
  })
  const { token } = (await made.json()) as { token: string }

  const all = await follow(url, TEST_TOKEN)
  const onlyTheirs = await follow(url, TEST_TOKEN, '?serviceInstance=theirs')
  const mine = await follow(url, token)
  expect((await follow(url, token, '?serviceInstance=theirs')).status).toBe(404)
  const jobs = {
    mine: await client.plans.run(plans.mine ?? ''),
    theirs: await client.plans.run(plans.theirs ?? ''),
  }
  const ended = (events: Event[]) => events.filter((event) => event.status === 'FAILED').length
  await expect.poll(() => [ended(all.events), ended(onlyTheirs.events), ended(mine.events)]).toEqual([2, 1, 1])

  expect(all.events.filter((event) => event.id === jobs.mine.id)[0]?.status).toBe('STARTED')
  expect(new Set(mine.events.map((event) => event.instance))).toEqual(new Set(['mine']))
  expect(new Set(onlyTheirs.events.map((event) => event.instance))).toEqual(new Set(['theirs']))

  onlyTheirs.stop()
  await onlyTheirs.ended
  await manager.stop()
  await Promise.all([all.ended, mine.ended])
})
