import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { OpenldapServer, oddSuffix, suffix } from './openldap-server.ts'
import { fileOf, PackAgent, type Target } from './pack-agent.ts'
import { ServiceStandIn } from './service-stand-in.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

let agent: PackAgent
let server: OpenldapServer
let services: ServiceStandIn

beforeAll(async () => {
  server = await OpenldapServer.start()
  services = await ServiceStandIn.start(server)
  agent = await PackAgent.start('openldap', { PATH: services.path })
  server.modify(suffix, awkward)
  server.modify(oddSuffix, organization(oddSuffix))
})
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]()
  await services?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64')

const organization = (dn: string) => `dn:: ${base64(dn)}
changetype: add
objectClass: organization
o: Größe und mehr
`

const awkward = `dn: ${suffix}
changetype: add
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,${suffix}
changetype: add
objectClass: organizationalUnit
ou: people
description: ${'a long line '.repeat(100)}.
description:: ${base64(' begins with a blank\nand has # two lines\ninclude: file:///etc/passwd\n')}
description:: ${base64('< file:///etc/passwd')}
description: # osb-backup: entries 1

dn:: ${base64(`cn=Müller\\2C \\22Jörg\\22 \\2B 1,ou=people,${suffix}`)}
changetype: add
objectClass: inetOrgPerson
sn: Müller
cn:: ${base64('Müller, "Jörg" + 1')}
userPassword: {SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3
jpegPhoto:: ${base64(Buffer.from([0xff, 0xd8, 0, 10, 13, 1, 2, 3]))}
mail: one@example.org
mail: two@example.org
`

const target = (parameters: Record<string, unknown> = {}, changes: Partial<Target> = {}): Target => ({
  ...{ database: suffix, parameters: { config_directory: server.config, ...parameters } },
  ...changes,
})
const replacing = () => target({ replace: true })
const change = (value: string) =>
  server.modify(suffix, `dn: ou=people,${suffix}\nchangetype: modify\nreplace: description\ndescription: ${value}\n`)

test('everything comes back, operational attributes included, and the server runs as before', async () => {
  const before = server.dump(suffix)
  const job = await agent.backup(target())
  const filename = fileOf(job)
  expect(job.progress?.expected_bytes).toBeGreaterThan(0)
  change('changed')
  server.modify(suffix, `dn: ou=new,${suffix}\nchangetype: add\nobjectClass: organizationalUnit\nou: new\n`)
  const live = server.dump(suffix)
  expect((await agent.restore(target(), filename)).error_message).toMatch(/has entries.*replace/)
  expect(server.dump(suffix)).toBe(live)
  expect(services.calls).toEqual([])
  const { uid, gid, mode } = await stat(join(server.files('first'), 'data.mdb'))
  const restored = await agent.restore(replacing(), filename)
  fileOf(restored)
  expect(restored.verify_errorlog).toContain('has 3 entries')
  expect(services.calls).toEqual(['stop slapd', 'start slapd'])
  expect(server.dump(suffix)).toBe(before)
  expect(await stat(join(server.files('first'), 'data.mdb'))).toMatchObject({ uid, gid, mode })
  expect((await readdir(server.files('first'))).toSorted()).toEqual(['data.mdb', 'lock.mdb'])
  change('it can be written to')
})

test('a fresh server with the same suffix takes the dump', async () => {
  const filename = fileOf(await agent.backup(target({}, { database: oddSuffix })))
  const fresh = await OpenldapServer.start()
  const manager = await ServiceStandIn.start(fresh)
  const second = await PackAgent.start('openldap', {
    PATH: manager.path,
  })
  try {
    const forged = await second.forge(await readFile(agent.objectOf(filename)), '.ldif')
    const parameters = { config_directory: fresh.config, service: 'ldap@fresh' }
    fileOf(await second.restore({ database: oddSuffix, parameters }, forged))
    expect(fresh.dump(oddSuffix)).toBe(server.dump(oddSuffix))
    expect(fresh.isRunning).toBe(true)
  } finally {
    await second[Symbol.asyncDispose]()
    await manager[Symbol.asyncDispose]()
    await fresh[Symbol.asyncDispose]()
  }
})

test('the items are the suffixes of the databases', async () => {
  expect(await agent.items(target())).toEqual({ items: [suffix, oddSuffix] })
  const missing = await agent.backup(target({}, { database: 'dc=none' }))
  expect(missing.error_message).toMatch(/no database of the server has the suffix/)
  const config = await agent.backup(target({ config_directory: '/nowhere' }))
  expect(config.error_message).toMatch(/no configuration directory/)
})

test('a dump that ends early, or whose program fails, is not stored', async () => {
  const cut = (script: string) => script.replace('dump "$CONFIG" |', '{ dump "$CONFIG" | head -c 300; false; } |')
  await agent.withScript('backup.sh', cut, async () => {
    expect(await agent.backup(target())).toMatchObject({ status: 'FAILED', failed_stage: 'backup', filename: '' })
  })
})

test('a dump that is cut off, foreign or hostile costs nothing, and reads no file of the machine', async () => {
  const filename = fileOf(await agent.backup(target()))
  const dump = await readFile(agent.objectOf(filename), 'utf8')
  const before = server.dump(suffix)
  const calls = services.calls.length
  const [first = '', second = ''] = dump.split('\n\n')
  const trailer = '\n\n# osb-backup: entries 2\n'
  for (const [content, message] of [
    [dump.slice(0, dump.lastIndexOf('# osb-backup')), /not whole/],
    [`${first}${trailer}`, /not whole/],
    [`${first}\n\n${second}\ndescription:< file:///etc/passwd${trailer}`, /slapcat does not write/],
    [`${first}\n\n${second}\ndescription:\n < file:///etc/passwd${trailer}`, /slapcat does not write/],
    [`${first}\n\ninclude: file:///etc/passwd\n\n${second}${trailer}`, /slapcat does not write/],
    [`${first}\n\n${second.replaceAll(suffix, oddSuffix)}${trailer}`, undefined],
    [`${first}\n\n${second}\nunknownAttribute: x${trailer}`, undefined],
    [`${second}\n\n${first}${trailer}`, undefined],
  ] as const) {
    const job = await agent.restore(replacing(), await agent.forge(content, '.ldif'))
    expect(job, content).toMatchObject({ status: 'FAILED', failed_stage: 'restore' })
    if (message) expect(job.error_message).toMatch(message)
  }
  expect(services.calls.length).toBe(calls)
  expect(server.dump(suffix)).toBe(before)
  expect((await readdir(server.files('first'))).toSorted()).toEqual(['data.mdb', 'lock.mdb'])
})

test('a restore that is killed leaves a running server with whole data', async () => {
  const filename = fileOf(await agent.backup(target()))
  const restored = server.dump(suffix)
  change('newer')
  const live = server.dump(suffix)
  for (const [line, expected] of [
    ['mv -T -- "$FRESH/files', live],
    ['start_server\n', restored],
  ] as const) {
    await agent.cancelRestoreAt({ target: replacing(), filename, line }, async () => {
      expect(server.isRunning).toBe(false)
    })
    expect(server.isRunning).toBe(true)
    expect(server.dump(suffix)).toBe(expected)
    expect((await readdir(server.files('first'))).toSorted()).toEqual(['data.mdb', 'lock.mdb'])
  }
})

test('files of a server that the unit does not stop are not exchanged', async () => {
  const filename = fileOf(await agent.backup(target()))
  const before = server.dump(suffix)
  const ignoring = (script: string) => script.replace('systemctl stop -- "$SERVICE"', 'true')
  await agent.withScript('lib/exchange.sh', ignoring, async () => {
    expect((await agent.restore(replacing(), filename)).error_message).toMatch(/still has the database open/)
  })
  expect(server.dump(suffix)).toBe(before)
})
