import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { VERSION } from '@osb-backup/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { registerInstance } from '../fixtures/register-instance.ts'
import { type Rewriting, startJsonProxy, withoutFields, withUnknownFields } from './json-proxy.ts'

let fixture: Fixture
let restored: string

beforeAll(async () => {
  fixture = await startFixture({
    // In the directory of the scripts.
    restore: 'cat > ../restored',
    'pre-backup-lock': 'exit 0',
    'post-backup-unlock': 'exit 0',
  })
  restored = join(fixture.folder, 'restored')
})
afterAll(() => fixture?.[Symbol.asyncDispose]())

/** What the last versions have added to the protocol: an older one neither sends nor understands it. */
const RECENT_FIELDS = [
  'accepts_jobs',
  'disk_size_bytes',
  'expected_bytes',
  'failure_code',
  'free_disk_bytes',
  'locked_databases',
  'locked_since',
  'original_filesize',
  'original_sha256',
  'progress',
  'secret_parameters',
  'time',
  'warnings',
]

const [major = '0', minor = '0'] = VERSION.split('.')
const NEWER = `${major}.${Number(minor) + 1}.0`
const reporting = (version: string) => (body: ReturnType<JSON['parse']>) =>
  'version' in body ? { ...body, version } : body

const neighbours: [string, Rewriting][] = [
  ['a newer agent', { answer: (body) => withUnknownFields(reporting(NEWER)({ ...body })) }],
  [
    'an older agent',
    {
      request: (body) => withoutFields(body, RECENT_FIELDS),
      answer: (body) => withoutFields(body, RECENT_FIELDS),
    },
  ],
  ['a newer manager', { request: withUnknownFields }],
  [
    'an older manager',
    {
      request: (body) => withoutFields(body, RECENT_FIELDS),
      // It would ignore what it does not know.
      answer: (body) => withoutFields(body, RECENT_FIELDS),
    },
  ],
]

test.for(neighbours.map(([name, rewriting], index) => ({ name, rewriting, index })))(
  'backs up and restores with $name',
  async ({ rewriting, index }) => {
    const { client } = fixture
    const proxy = await startJsonProxy(fixture.agent.url, rewriting)
    const id = `neighbour-${index}`
    const directory = join(fixture.destinations, id)
    await mkdir(directory)
    const agentId = await registerInstance(
      client,
      id,
      { ...fixture.agent, url: proxy.url },
      { hosts: [{ address: `10.0.1.${index + 1}`, port: 5432 }] },
    )
    const { state, version } = await client.agents.check(agentId)
    expect([state, version]).toEqual(['reachable', index === 0 ? NEWER : VERSION])
    const { id: destinationId } = await client.destinations.create({
      instanceId: id,
      name: 'files',
      store: { kind: 'file', directory },
    })
    const plan = await fixture.createPlan({
      instanceId: id,
      destinationId,
      compression: { algorithm: 'zstd' },
    })
    expect(await fixture.runPlan(plan.id)).toMatchObject({ state: 'succeeded' })
    const point = await fixture.newestPoint(plan.id)
    expect(point.sha256).toMatch(/^[0-9a-f]{64}$/)
    const { id: restoreId } = await client.restorePoints.restore(point.id, {})
    expect(await fixture.waitForJob(restoreId)).toMatchObject({ state: 'succeeded' })
    expect(await readFile(restored, 'utf8')).toBe('the content of db1\n')
    proxy.close()
  },
)
