import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packParameterSchema, reportedPackSchema } from '@osb-backup/protocol'
import * as v1 from '@osb-backup/protocol/v1'
import { TEST_TOKEN } from '@osb-backup/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { inProcessCliOf } from '../fixtures/cli.ts'
import { type Fixture, startFixture } from '../fixtures/fixture.ts'
import { type HttpReceiver, startHttpReceiver } from '../manager/notification-receivers.ts'
import { startBroker } from '../osb-client/broker-fixture.ts'
import { runPolicyCommands } from './policy-commands.ts'
import { leaves, RecordedCli } from './recorded-cli.ts'

const secrets = { agent: 'secret-of-the-agent', database: 'secret-of-the-database', broker: 'secret-of-the-broker' }
let stack: AsyncDisposableStack
let fixture: Fixture
let receiver: HttpReceiver
let recorded: RecordedCli
let run: RecordedCli['run']
let json: RecordedCli['json']

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  receiver = stack.use(await startHttpReceiver())
  fixture = stack.use(
    await startFixture(
      {
        backup: '[ "$BACKUP_DATABASE" != bad ] || exit 3\necho "the content of $BACKUP_DATABASE"',
        restore: 'cat > /dev/null',
        verify: 'true',
        'list-items': 'printf "shop\\nusers\\ntmp_1\\nold\\n"',
        'pack.json': JSON.stringify({
          form: 2,
          name: 'small',
          type: '.dump',
          parameters: [
            { name: 'count', type: 'integer' },
            { name: 'pin', type: 'string', secret: true },
          ],
        }),
      },
      { DELETION_GRACE_HOURS: '1', ALARM_INTERVAL_SECONDS: '1', RETENTION_CHANGE_GRACE_HOURS: '0' },
    ),
  )
  const { folder, manager } = fixture
  recorded = new RecordedCli(inProcessCliOf(folder, { OSB_BACKUP_URL: manager.url, OSB_BACKUP_TOKEN: TEST_TOKEN }))
  ;({ run, json } = recorded)
  for (const [name, secret] of Object.entries(secrets)) await writeFile(join(folder, `${name}.txt`), `${secret}\n`)
})
afterAll(() => stack.disposeAsync())

const secretFile = (name: keyof typeof secrets) => join(fixture.folder, `${name}.txt`)

test('commands about agents, instances and destinations', async () => {
  const { folder, destinations, agent, agentId } = fixture
  const created = await json('agent create https://127.0.0.1:9 --name second --username backup', v1.agentSchema, {
    more: ['--password-file', secretFile('agent')],
  })
  await json('agent list', z.array(v1.agentSchema))
  expect(await json('agent show second', v1.agentSchema)).toMatchObject({ passwordSet: true })
  expect(await json('agent edit second -f -', v1.agentSchema, { input: 'name: third' })).toMatchObject({
    name: 'third',
  })
  await json('agent check third', v1.agentSchema, { code: 1 })
  await json(`agent check ${agentId}`, v1.agentSchema)
  await json('agent enrol third', v1.enrolmentSchema)
  expect(await json(`agent packs ${agentId}`, z.array(reportedPackSchema))).toMatchObject([{ name: 'small' }])
  await json(`agent packs ${agentId} small`, z.array(packParameterSchema))
  await run(`agent packs ${agentId} smal`, { code: 4 })
  await run(`agent delete ${created.id} --yes`)

  await json(`instance create shop --host 127.0.0.2 --agent ${agentId} --username backup`, v1.instanceSchema, {
    more: ['--password-file', secretFile('database')],
  })
  await json('instance list --q shop', z.array(v1.instanceSchema))
  await json('instance show shop', v1.instanceSchema)
  await json('instance edit shop -f -', v1.instanceSchema, { input: 'parameters: {mode: fast}' })
  await json('instance items shop', z.array(v1.itemSchema))
  await run('instance items shop')
  await json('instance trend shop --days 7', v1.trendSchema)
  await run('instance trend shop')
  expect(
    await json('instance edit shop --pack small --parameter count=2', v1.instanceSchema, {
      more: ['--parameter-file', `pin=${secretFile('database')}`],
    }),
  ).toMatchObject({ pack: 'small', secretParameters: ['pin'], parameters: { mode: 'fast', count: '2' } })
  expect(await json('instance edit shop --item shop,shop_*', v1.instanceSchema)).toMatchObject({
    items: ['shop', 'shop_*'],
  })
  const wrong = await run('instance edit shop --parameter count=two', { code: 2 })
  expect(wrong.stderr).toContain('"count" must be a whole number, not "two"')
  const plain = await run('instance edit shop --parameter pin=4711', { code: 2 })
  expect(plain.stderr).toContain('--parameter-file')
  const near = await run('instance edit shop --parameter cuont=2')
  expect(near.stderr).toContain('Did you mean "count"?')
  expect((await run('instance edit shop --pack smal', { code: 2 })).stderr).toContain('Did you mean "small"?')

  const directory = join(destinations, 'shop')
  await mkdir(directory)
  const create = `destination create --instance shop --name local --kind file --directory ${directory}`
  const destination = await json(create, v1.destinationSchema)
  await json('destination list --instance shop', z.array(v1.destinationSchema))
  await json('destination show shop/local', v1.destinationSchema)
  await json('destination check shop/local', v1.destinationCheckSchema)
  await json('destination edit shop/local -f -', v1.destinationSchema, { input: 'quotaBytes: 1000000' })
  const reconciled = await json('destination reconcile shop/local', v1.reconciliationSchema)
  await json(`reconciliation show ${reconciled.id}`, v1.reconciliationSchema)
  await run(`reconciliation cancel ${reconciled.id}`, { code: 1 })
  expect(await json('destination adopt shop/local --older-than 1h', v1.reconciliationSchema)).toMatchObject({
    adopt: true,
  })
  await run('destination adopt shop/local')
  await run(`destination delete ${destination.id} --yes`)
  await run('instance delete shop --yes')

  await writeFile(join(folder, 'store.json'), JSON.stringify({ type: 'file', directory }))
  const store = ['--destination', join(folder, 'store.json')]
  await run('object put a.dump', { more: store, input: 'content' })
  expect((await run('object get a.dump', { more: store })).stdout).toBe('content')
  await run('object verify a.dump --size 7', { more: store })
  expect((await run('object list a', { more: store })).stdout).toContain('a.dump')
  expect(agent.password).not.toBe('')
})

test('commands about plans, jobs and restore points', async () => {
  const { folder } = fixture
  await json(
    'plan create --instance i --name nightly --destination files --item shop --cron @daily --keep daily=7,weekly=4',
    v1.planSchema,
  )
  await json('plan list', z.array(v1.planSchema))
  await json('plan show i/nightly', v1.planSchema)
  await json('plan pause nightly', v1.planSchema)
  await json('plan resume nightly', v1.planSchema)
  await json('plan edit nightly -f -', v1.planSchema, { input: 'retention: {style: all}' })
  await json('plan preview nightly', v1.planPreviewSchema)
  await json('plan runs nightly', z.array(v1.planRunSchema))
  const job = await json('plan run nightly --wait', v1.jobSchema)
  await json('backup i --plan nightly --wait', v1.jobSchema)
  await json('job list --plan nightly', z.array(v1.jobSchema))
  await json(`job show ${job.id}`, v1.jobSchema)
  await json(`job watch ${job.id}`, v1.jobSchema)
  await json(`job logs ${job.id}`, v1.jobLogsSchema)
  await run(`job logs ${job.id} --follow`)
  for (const action of ['cancel', 'give-up', 'retry-unlock', 'mark-unlocked'])
    await run(`job ${action} ${job.id} --yes`, { code: 1 })

  const [newest, oldest] = await json('restore-point list --plan nightly', z.array(v1.restorePointSchema))
  const id = oldest?.id ?? ''
  await json(`restore-point show ${id}`, v1.restorePointSchema)
  await json(`restore-point hold ${id}`, v1.restorePointSchema)
  await json(`restore-point release ${id} --yes`, v1.restorePointSchema)
  await run(`restore-point confirm ${id} --yes`)
  await json(`restore-point verify ${id} --wait`, v1.jobSchema)
  await json(`restore-point restore ${id} --as copy --wait --yes`, v1.jobSchema)
  await json('restore i shop --wait --yes', v1.jobSchema)
  expect((await run(`restore-point download ${id}`)).stdout).toBe('the content of shop\n')
  await run(`restore-point delete ${id} --dry-run`)
  await run(`restore-point delete ${id} --yes`)
  expect(await json(`restore-point undelete ${id}`, v1.restorePointSchema)).not.toHaveProperty('deletion')
  await run(`restore-point undelete ${newest?.id}`, { code: 1 })
  await run(`job delete ${job.id} --yes`)

  const key = join(folder, 'key.txt')
  const keys = JSON.parse((await run('plan keys nightly --yes -o json', { more: ['--identity-file', key] })).stdout)
  expect(keys).not.toHaveProperty('privateKey')
  await run('plan delete i/nightly --yes --files keep')

  await json('plan create --instance i --name all --destination files --cron @daily --keep 3', v1.planSchema, {
    more: ['--item', '*', '--exclude-item', 'tmp_*,old'],
  })
  expect((await run('plan list --q all')).stdout).toContain('* but tmp_*,old')
  const excluded = await run('backup i tmp_1', { code: 4 })
  expect(excluded.stderr).toContain('No plan of "i" covers "tmp_1"')
  await json('backup i shop --plan all --wait', v1.jobSchema)
})

test('commands about drills, and the report', async () => {
  const { agentId } = fixture
  await run(`instance create drills --host 10.0.0.6:5432 --agent ${agentId} --drill-target`)
  await json(
    'plan create --instance i --name drilled --destination files --item shop --cron @daily --keep 3',
    v1.planSchema,
  )
  await json('backup i --plan drilled --wait', v1.jobSchema)
  await run('drill set drilled --cron @weekly', { code: 2 })
  const plan = await json('drill set drilled --target drills --database drill --cron @weekly', v1.planSchema)
  expect(plan.nextDrillAt).toBeDefined()
  const drill = await json('drill run drilled --wait', v1.jobSchema)
  expect(drill).toMatchObject({ state: 'succeeded', parts: [{ drill: { passed: true } }] })
  await json('drill list --instance i --plan drilled', z.array(v1.jobSchema))
  expect((await run('drill list')).stdout).toContain('1/1')
  await json(`drill show ${drill.id}`, v1.jobSchema)
  expect((await run(`drill show ${drill.id}`)).stdout).toContain('restored into drills')
  await json('report i --days 7', v1.reportSchema)
  expect((await run('report i')).stdout).toContain('Result: passed')
  expect((await run('report i --html')).stdout).toContain('</html>')
  await json('drill set drilled --off', v1.planSchema)
  await run('plan delete i/drilled --yes --files keep')
})

test('commands about policies', () => runPolicyCommands(fixture, recorded))

test('commands about alarms and channels', async () => {
  const plan = await fixture.createPlan({ name: 'failing', items: ['bad'] })
  await run('plan run failing --wait', { code: 1 })
  await expect.poll(async () => (await fixture.client.alarms.list({ plan: plan.id })).items).not.toEqual([])
  const [alarm] = await json('alarm list --plan failing --state open', z.array(v1.alarmSchema))
  await json(`alarm show ${alarm?.id}`, v1.alarmSchema)
  expect(await json(`alarm acknowledge ${alarm?.id.slice(0, -2)}`, v1.alarmSchema)).toHaveProperty('acknowledgement')
  expect((await run('alarm list')).stdout).toContain('acknowledged')
  await run(`alarm acknowledge ${alarm?.id} nothing`, { code: 4 })

  const url = join(fixture.folder, 'url.txt')
  await writeFile(url, `${receiver.url}/secret-path\n`)
  const unsafe = await run(`channel create --name chat --kind slack --receiver-url ${receiver.url}/chat`, { code: 2 })
  expect(unsafe.stderr).toContain('--url-file')
  await json('channel create --name chat --kind slack --minimum-severity critical --instance i', v1.channelSchema, {
    more: ['--url-file', url],
  })
  await json('channel list', z.array(v1.channelSchema))
  expect(await json('channel show chat', v1.channelSchema)).toMatchObject({
    rules: [{ minimumSeverity: 'critical', instances: ['i'] }],
    transport: { kind: 'slack', urlSet: true },
  })
  expect((await run('channel test chat')).stdout).toContain('was delivered')
  expect(receiver.received.map(({ path }) => path)).toContain('/secret-path')
  receiver.statuses.set('/secret-path', 400)
  await json('channel test chat', v1.notificationSchema, { code: 1 })
  await json('channel edit chat -f -', v1.channelSchema, { input: 'name: talk' })
  const [notification] = await json('notification list --channel talk', z.array(v1.notificationSchema))
  await json(`notification show ${notification?.id}`, v1.notificationSchema)
  await run('channel delete talk --yes')
  expect(recorded.printed).not.toContain('/secret-path')
})

test('commands about service brokers and what they provisioned', async () => {
  await using broker = await startBroker()
  const password = join(fixture.folder, 'platform.txt')
  await writeFile(password, broker.password)
  const create = `service-broker create --name pg --broker-url ${broker.url} --username ${broker.username} --unregistered`
  const registered = await json(create, v1.serviceBrokerSchema, {
    more: ['--password-file', password, '--service', 'postgresql'],
  })
  await json('service-broker list', z.array(v1.serviceBrokerSchema))
  expect(await json('service-broker show pg', v1.serviceBrokerSchema)).toMatchObject({ passwordSet: true })
  await json('service-broker check pg', v1.serviceBrokerCheckSchema)
  await json('service-broker catalog pg', v1.serviceCatalogSchema)
  expect((await run('service-broker catalog pg')).stdout).toContain('cluster')
  await json('service-broker edit pg -f -', v1.serviceBrokerSchema, { input: 'maxInstances: 2' })
  const { id } = await json(
    'provisioned-instance create i --service postgresql --service-plan small --parameter version=15',
    v1.provisionedInstanceSchema,
  )
  const show = () => json(`provisioned-instance show ${id}`, v1.provisionedInstanceSchema)
  await expect.poll(async () => (await show()).state, { timeout: 120_000 }).toBe('ready')
  await json('provisioned-instance list --instance i --service-broker pg', z.array(v1.provisionedInstanceSchema))
  const { credentials } = await fixture.client.provisionedInstances.credentials(id)
  const before = recorded.printed
  await json(`provisioned-instance credentials ${id}`, z.record(z.string(), z.unknown()))
  // That is what it is for.
  recorded.printed = before
  await json(`provisioned-instance delete ${id} --yes`, v1.provisionedInstanceSchema)
  await expect.poll(async () => (await show()).state, { timeout: 120_000 }).toBe('deprovisioned')
  const cloned = await json('clone start i --item shop --service postgresql --service-plan small', v1.cloneSchema)
  await json('clone list --instance i', z.array(v1.cloneSchema))
  await json(`clone show ${cloned.id}`, v1.cloneSchema)
  await json(`clone cancel ${cloned.id}`, v1.cloneSchema)
  await expect.poll(async () => (await fixture.client.clones.get(cloned.id)).state, { timeout: 120_000 }).toBe('failed')
  const count = async () => (await fixture.client.serviceBrokers.get(registered.id)).instanceCount
  await expect.poll(count, { timeout: 120_000 }).toBe(0)
  await run('service-broker delete pg --yes')
  for (const secret of [broker.password, String(credentials.password)]) expect(recorded.printed).not.toContain(secret)
})

test('commands about access, documents and this program itself', async () => {
  const { folder, manager } = fixture
  const created = await json('token create --name ci --role viewer --instances i', v1.tokenCreatedSchema)
  await json('token list', z.array(v1.tokenSchema))
  await json('token show ci', v1.tokenSchema)
  await run(`token delete ${created.id} --yes`)
  const ada = 'token create --name ada --role operator --instances all --permissions'
  expect(await json(`${ada} delete-backups`, v1.tokenCreatedSchema)).toMatchObject({ permissions: ['delete-backups'] })
  await run(`${ada} delete-everything`, { code: 2 })
  const broker = await json('token create --name pg --role broker --instances none', v1.tokenCreatedSchema)
  expect(broker.instances).toEqual([])
  expect(await json('whoami', v1.callerSchema)).toMatchObject({ role: 'admin' })
  await json('clock show', v1.clockSchema)
  await json('clock confirm --yes', v1.clockSchema)
  await json('broker-account create broker --instances all', v1.brokerAccountSchema, {
    more: ['--password-file', secretFile('broker')],
  })
  await json('broker-account list', z.array(v1.brokerAccountSchema))
  await json('broker-account show broker', v1.brokerAccountSchema)
  await run('broker-account delete broker --yes')
  await json('audit list --limit 500', z.array(v1.auditEntrySchema))
  await json('status', v1.overviewSchema)

  const exported = join(folder, 'all.yaml')
  await writeFile(exported, (await run('export')).stdout)
  await run(`diff -f ${exported}`)
  await run(`apply -f ${exported}`)
  expect(JSON.parse((await run('schema')).stdout)).toHaveProperty('$schema')
  await run(`pack check ${join(import.meta.dirname, '../../script-packs/postgresql')}`)
  const pack = join(folder, 'cassandra')
  await run(`pack new cassandra --directory ${pack}`)
  await run(`pack test ${pack} --host h --username u --item x`, { code: 1 })
  for (const shell of ['bash', 'zsh', 'fish']) await run(`completion ${shell}`)
  const completed = (await run('__complete -- plan show fai')).stdout
  expect(completed).toMatch(/^failing\n/)
  expect((await run('__complete -- backup i us')).stdout).toBe('users\n')
  expect((await run('__complete -- plan list --output=j')).stdout).toBe('--output=json\n')

  const token = join(folder, 'token.txt')
  await writeFile(token, TEST_TOKEN)
  await run(`login ${manager.url} --name here --token-file ${token}`)
  await json(
    'context list',
    z.array(z.strictObject({ name: z.string(), url: z.url(), current: z.boolean(), signIn: z.string() })),
  )
  await run('context use here')
  await run('logout --context here')
  await run('context delete here')
})

/** Without these, what is named is not looked for. */
const requiredOptions: Readonly<Record<string, string[]>> = {
  'plan keys': ['--identity-file', 'unused.txt'],
  'policy exempt': ['--reason', 'none', '--until', '1d'],
}

test('names that do not exist are reported with exit code 4', async () => {
  for (const {
    path,
    arguments: [named, ...others],
    usage,
  } of leaves) {
    const noun = named?.term ?? ''
    if (
      !/^(instance|agent|destination|plan|policy|job|restore-point|alarm|channel|notification|token|broker-account|service-broker|provisioned-instance)$/.test(
        noun,
      )
    )
      continue
    if (!usage.includes(`<${noun}`) || others.some(({ isVariadic }) => !isVariadic)) continue
    const options = requiredOptions[path.replace('osb-backup ', '')] ?? []
    const line = `${path.replace('osb-backup ', '')} there-is-none --no-input`
    const { stdout, stderr } = await run(line, { code: 4, more: [...options, '-o', 'json'] })
    expect(stdout, path).toBe('')
    expect(JSON.parse(stderr)).toMatchObject({
      error: { exitCode: 4, message: expect.stringContaining('there-is-none') },
    })
  }
})

test('every command was run, and none printed a secret', () => {
  const paths = leaves.map(({ path }) => path.replace('osb-backup ', ''))
  expect(paths.filter((path) => !recorded.seen.has(path))).toEqual([])
  for (const secret of [...Object.values(secrets), TEST_TOKEN, fixture.agent.password])
    expect(recorded.printed).not.toContain(secret)
})
