import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TEST_TOKEN } from '@osb-backup/testkit'
import { expect, test } from 'vitest'
import { inProcessCliOf } from '../fixtures/cli.ts'
import { startFixture } from '../fixtures/fixture.ts'

const documents = (url: string, store: string) => `
kind: channel
name: chat
transport: {kind: slack, url: {fromEnv: CHAT_URL}}
rules: [{minimumSeverity: warning, instances: [shop-db]}]
---
kind: channel
name: checks
transport: {kind: healthchecks, plan: shop-db/nightly, url: {fromEnv: CHECK_URL}}
---
kind: channel
name: hook
transport: {kind: webhook, url: https://hooks.example.org/backup, secret: {fromEnv: HOOK_KEY}}
---
kind: plan
instance: shop-db
name: nightly
destination: local
items: [shop]
schedule: {cron: '0 2 * * *', timezone: Europe/Berlin}
retention: {style: days, period: 14}
---
kind: agent
name: db-1
url: ${url}
username: agent
password: {fromEnv: AGENT_PASSWORD}
---
kind: instance
id: shop-db
agent: db-1
hosts: [{address: 127.0.0.1}]
database: {username: backup, password: {fromFile: ${store}/../database.txt}}
---
kind: destination
instance: shop-db
name: local
store: {kind: file, directory: ${store}}
`

test('documents are applied in the order of what they name, once, and changes are shown without secrets', async () => {
  const root = tmpdir()
  await using fixture = await startFixture({}, { FILE_DESTINATION_ROOT: root }, { file_destination_root: root })
  const { folder, manager, agent, client } = fixture
  // The other directory belongs to the instance of the fixture.
  const store = join(folder, 'shop')
  await mkdir(store)
  const secret = {
    AGENT_PASSWORD: agent.password,
    CHAT_URL: 'https://chat.example.org/secret-webhook',
    CHECK_URL: 'https://checks.example.org/secret-check',
    HOOK_KEY: `whsec_${'c2VjcmV0'.repeat(4)}`,
  }
  const cli = inProcessCliOf(folder, { OSB_BACKUP_URL: manager.url, OSB_BACKUP_TOKEN: TEST_TOKEN })
  const file = join(folder, 'shop.yaml')
  await writeFile(file, documents(agent.url, store))
  await writeFile(join(folder, 'database.txt'), 'database-secret\n')

  const unasked = await cli(['apply', '-f', file], { env: secret })
  expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
  expect(unasked.stdout).toContain('+ plan shop-db/nightly: create')
  expect((await client.plans.list()).items).toEqual([])
  const dry = await cli(['apply', '-f', file, '--dry-run'])
  expect(dry).toMatchObject({ code: 0 })
  expect(await client.notificationChannels.list()).toEqual({ items: [] })
  const unset = await cli(['apply', '-f', file, '--yes'])
  expect(unset).toMatchObject({ code: 2, stderr: expect.stringContaining('AGENT_PASSWORD is not set') })

  const applied = await cli(['apply', '-f', file, '--yes'], { env: secret })
  expect(applied, applied.stderr).toMatchObject({ code: 0 })
  expect(applied.stdout + applied.stderr).not.toMatch(/database-secret|agent-password|secret-webhook|secret-check|c2Vj/)
  const [plan] = (await client.plans.list()).items
  expect(plan).toMatchObject({ name: 'nightly', instanceId: 'shop-db', retention: { style: 'days', period: 14 } })
  expect(await client.instances.get('shop-db')).toMatchObject({ database: { passwordSet: true } })
  expect((await client.notificationChannels.list()).items).toMatchObject([
    { name: 'hook', transport: { kind: 'webhook', secretSet: true } },
    { name: 'checks', transport: { kind: 'healthchecks', planId: plan?.id, urlSet: true } },
    { name: 'chat', transport: { kind: 'slack', urlSet: true }, rules: [{ minimumSeverity: 'warning' }] },
  ])

  // Nothing has changed: the secrets are not even read.
  const again = await cli(['apply', '-f', file])
  expect(again).toMatchObject({ code: 0, stderr: 'Nothing to change.\n' })
  expect(await cli(['diff', '-f', file])).toMatchObject({ code: 0 })

  await writeFile(file, documents(agent.url, store).replace('period: 14', 'period: 7').replace("'0 2", "'0 3"))
  const different = await cli(['diff', '-f', file])
  expect(different.code).toBe(1)
  expect(different.stdout).toMatch(/~ plan shop-db\/nightly: update[^~]*-\s+period: 14\n[^~]*\+\s+period: 7/)
  expect(
    await cli(['apply', '-f', '-', '--yes'], { input: documents(agent.url, store).replace('period: 14', 'period: 7') }),
  ).toMatchObject({ code: 0 })
  expect(await client.plans.get(plan?.id ?? '')).toMatchObject({ retention: { style: 'days', period: 7 } })

  const exported = await cli(['export', '--instance', 'shop-db'])
  expect(exported.stdout).toContain('fromEnv: AGENT_DB_1_PASSWORD')
  const copy = join(folder, 'copy.yaml')
  await writeFile(copy, exported.stdout)
  expect(await cli(['diff', '-f', copy])).toMatchObject({ code: 0 })

  const everything = await cli(['export'])
  expect(everything.stdout).toMatch(
    /kind: healthchecks\n\s+plan: shop-db\/nightly\n\s+url:\n\s+fromEnv: CHANNEL_CHECKS_/,
  )
  await writeFile(copy, everything.stdout)
  expect(await cli(['diff', '-f', copy])).toMatchObject({ code: 0 })
  // Other backups are checked from now on; the URL of the chat becomes one of another kind.
  await writeFile(
    copy,
    `${documents(agent.url, store).replaceAll('nightly', 'weekly').replace('period: 14', 'period: 7')}---\n` +
      'kind: channel\nname: chat\ntransport: {kind: alertmanager, url: "https://alerts.example.org"}\n',
  )
  const twice = await cli(['apply', '-f', copy, '--yes'], { env: secret })
  expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining('the channel "chat" is described in') })
  await writeFile(
    copy,
    (await readFile(copy, 'utf8')).replace(
      'name: chat\ntransport: {kind: slack',
      'name: other\ntransport: {kind: slack',
    ),
  )
  const changed = await cli(['apply', '-f', copy, '--yes'], { env: secret })
  expect(changed, changed.stderr).toMatchObject({ code: 0 })
  expect(changed.stdout).not.toMatch(/secret-webhook|secret-check|c2Vj/)
  const weekly = (await client.plans.list()).items.find(({ name }) => name === 'weekly')
  expect((await client.notificationChannels.list()).items).toMatchObject([
    { name: 'other', transport: { kind: 'slack' } },
    { name: 'hook' },
    { name: 'checks', transport: { planId: weekly?.id, urlSet: true } },
    { name: 'chat', transport: { kind: 'alertmanager', url: 'https://alerts.example.org' } },
  ])

  const viewer = await client.tokens.create({ name: 'viewer', role: 'viewer', instances: 'all' })
  const partial = await cli(['export'], { env: { OSB_BACKUP_TOKEN: viewer.token } })
  expect(partial).toMatchObject({ code: 0, stderr: expect.stringContaining('channels are left out') })
})

test('a document that is not valid is rejected with its place, before anything is changed', async () => {
  await using fixture = await startFixture()
  const { folder, manager } = fixture
  const cli = inProcessCliOf(folder, { OSB_BACKUP_URL: manager.url, OSB_BACKUP_TOKEN: TEST_TOKEN })
  const rejected = async (input: string) => {
    const { code, stderr } = await cli(['apply', '-f', '-', '--yes'], { input })
    return `${code} ${stderr}`
  }
  expect(await rejected('kind: plam\n')).toMatch(/^2 .*"kind" must be one of .* Did you mean "plan"\?/)
  expect(await rejected('kind: agent\nname: a\nurl: http://a\nusername: u\npasword: topsecret\n')).toMatch(
    /^2 .*pasword/,
  )
  expect(await rejected('kind: agent\nname: a\nurl: http://a\nusername: u\npassword: [topsecret\n')).toMatch(
    /^2 .*not valid YAML: line \d+/,
  )
  expect(await rejected('kind: agent\nname: a\nurl: http://a\nusername: u\npassword: [topsecret\n')).not.toContain(
    'topsecret',
  )
  expect(await rejected('- 1\n')).toMatch(/^2 .*mapping/)
  expect(await rejected('')).toMatch(/^2 .*no document/)
  const orphan = 'kind: destination\ninstance: none\nname: d\nstore: {kind: file, directory: /tmp}\n'
  expect(await rejected(orphan)).toMatch(/there is no instance "none"/)
  const schema = JSON.parse((await cli(['schema'])).stdout)
  expect(JSON.stringify(schema)).toContain('fromEnv')
})

test('pruning deletes what has the label and is not described any more, each before what it uses, and no restore point', async () => {
  await using fixture = await startFixture()
  const { folder, manager, agent, client, destinations } = fixture
  const cli = inProcessCliOf(folder, { OSB_BACKUP_URL: manager.url, OSB_BACKUP_TOKEN: TEST_TOKEN })
  const store = join(destinations, 'team-db')
  await mkdir(store)
  await writeFile(join(folder, 'agent.txt'), agent.password)
  const agentDocument = `kind: agent\nname: db-1\nurl: ${agent.url}\nusername: ${agent.username}\npassword: {fromFile: ${folder}/agent.txt}\n`
  const plan = (name: string) =>
    `kind: plan\ninstance: team-db\nname: ${name}\ndestination: local\nitems: [shop]\nschedule: {cron: '@yearly'}\nretention: {style: all}\n`
  const described = {
    agent: agentDocument,
    instance: 'kind: instance\nid: team-db\nagent: db-1\nhosts: [{address: 127.0.0.9}]\n',
    destination: `kind: destination\ninstance: team-db\nname: local\nstore: {kind: file, directory: ${store}}\n`,
    nightly: plan('nightly'),
    weekly: plan('weekly'),
    checks:
      'kind: channel\nname: checks\ntransport: {kind: healthchecks, plan: team-db/weekly, url: "http://127.0.0.1:9/ping"}\n',
  }
  const apply = (documents: readonly string[], ...args: string[]) =>
    cli(['apply', '-f', '-', '--label', 'team', ...args], { input: documents.join('---\n') })
  const all = Object.values(described)
  expect((await cli(['apply', '-f', '-', '--prune', '--yes'], { input: all[0] ?? '' })).stderr).toContain('--label')
  expect(await apply([`${described.agent}label: other\n`], '--yes')).toMatchObject({ code: 2 })
  expect(await apply(['kind: agent\nname: a\nurl: http://a\nusername: u\n'], '--label', 'a b', '--yes')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--label: must be'),
  })
  const created = await apply(all, '--prune', '--yes')
  expect(created, created.stderr).toMatchObject({ code: 0 })
  expect(await apply(all, '--prune')).toMatchObject({ code: 0, stderr: 'Nothing to change.\n' })
  const labelled = async () => {
    const lists = [client.agents, client.instances, client.destinations, client.plans, client.notificationChannels]
    const pages = await Promise.all(lists.map((calls) => calls.list()))
    return pages.flatMap(({ items }) =>
      items.filter(({ label }) => label === 'team').map((each) => ('name' in each && each.name) || each.id),
    )
  }
  expect(await labelled()).toEqual(['db-1', 'team-db', 'local', 'weekly', 'nightly', 'checks'])
  const others = { other: await fixture.createPlan({ label: 'other' }), none: await fixture.createPlan() }

  // The paths of the first API know no labels, and keep them.
  const nightly = (await client.plans.list()).items.find(({ name }) => name === 'nightly')
  const [local] = (await client.destinations.list({ instance: 'team-db' })).items
  for (const path of [`/backupPlans/${nightly?.id}`, `/fileDestinations/${local?.id}`, '/serviceInstances/team-db']) {
    const { body } = await fixture.call('GET', path)
    expect(body).not.toHaveProperty('label')
    const method = path.startsWith('/serviceInstances') ? 'PUT' : 'PATCH'
    expect(await fixture.call(method, path, body), path).toMatchObject({ status: 200 })
  }
  expect(await labelled()).toHaveLength(6)
  // They assign the oldest agent with the same URL and account.
  expect(await apply(all, '--yes')).toMatchObject({ code: 0 })
  expect(await fixture.runPlan(nightly?.id ?? '')).toMatchObject({ state: 'succeeded' })
  const point = await fixture.newestPoint(nightly?.id ?? '')

  // What something else still uses is kept: the plan by the channel, the destination by a plan without a label.
  const manual = await client.plans.create({
    instanceId: 'team-db',
    name: 'manual',
    destinationId: local?.id ?? '',
    items: ['shop'],
    schedule: { cron: '@yearly' },
    retention: { style: 'all' },
  })
  const fewer = [described.agent, described.instance, described.checks]
  const shown = await apply(fewer, '--prune')
  expect(shown).toMatchObject({ code: 2, stderr: expect.stringContaining('Delete one resource?') })
  expect(shown.stdout).toContain('- plan team-db/nightly: delete; its restore points stay\n')
  expect(shown.stdout).toContain('plan team-db/weekly: not described any more, but kept: channel checks uses it\n')
  expect(shown.stdout).toContain('destination team-db/local: not described any more, but kept: plan team-db/')
  expect(await apply(fewer, '--prune', '--dry-run')).toMatchObject({ code: 0, stdout: shown.stdout })
  expect(await cli(['diff', '-f', '-', '--label', 'team', '--prune'], { input: fewer.join('---\n') })).toMatchObject({
    code: 1,
    stdout: shown.stdout,
  })
  expect(await labelled()).toHaveLength(6)
  expect(JSON.parse((await apply(fewer, '--prune', '--dry-run', '-o', 'json')).stdout).slice(fewer.length)).toEqual([
    { action: 'keep', kind: 'plan', name: 'team-db/weekly', id: expect.any(String), usedBy: 'channel checks' },
    {
      action: 'delete',
      kind: 'plan',
      name: 'team-db/nightly',
      id: nightly?.id,
      remains: 'its restore points stay',
    },
    {
      action: 'keep',
      kind: 'destination',
      name: 'team-db/local',
      id: local?.id,
      usedBy: expect.stringMatching(/^plan team-db\/(weekly|manual)$/),
    },
  ])
  const pruned = await apply(fewer, '--prune', '--yes')
  expect(pruned, pruned.stderr).toMatchObject({
    code: 0,
    stderr: 'Deleted the plan "team-db/nightly"; its restore points stay.\n',
  })
  expect(await labelled()).toEqual(['db-1', 'team-db', 'local', 'weekly', 'checks'])

  await client.plans.delete(manual.id)
  const last = 'kind: agent\nname: another\nurl: http://127.0.0.1:9\nusername: u\npassword: p\n'
  const emptied = await apply([last], '--prune', '--yes')
  expect(emptied, emptied.stderr).toMatchObject({ code: 0 })
  const deleted = [...emptied.stderr.matchAll(/Deleted the (\w+)/g)].map(([, kind]) => kind)
  expect(deleted).toEqual(['channel', 'plan', 'destination', 'instance', 'agent'])
  expect(await labelled()).toEqual(['another'])
  expect(await client.restorePoints.get(point.id)).toMatchObject({ id: point.id, instanceId: 'team-db' })
  expect((await client.restorePoints.get(point.id)).deletion).toBeUndefined()
  expect((await stat(join(store, point.objectName))).isFile()).toBe(true)
  for (const { id, label } of Object.values(others)) expect((await client.plans.get(id)).label).toBe(label)
  const actions = (await client.auditEntries.list({ limit: 500 })).items.map(({ action }) => action)
  expect(actions).toEqual(expect.arrayContaining(['DELETE /v1/plans/:id', 'DELETE /v1/instances/:id']))

  const unlabelled = await cli(['apply', '-f', '-', '--yes'], { input: `${last}label: null\n` })
  expect(unlabelled, unlabelled.stderr).toMatchObject({ code: 0 })
  expect(await labelled()).toEqual([])
})
