import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@osb-backup/testkit'
import { until } from '../agent/agent-under-test.ts'
import type { Service } from './service-stand-in.ts'

const run = promisify(execFile)
const password = 'ldap-secret-1'
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }

export const suffix = 'dc=example,dc=org'
/** With what a name may contain. */
export const oddSuffix = 'o=Größe und mehr'

/** An OpenLDAP server of a test file's own, from Debian's package, on the loopback address. */
export class OpenldapServer implements Service, AsyncDisposable {
  readonly folder: string
  readonly config: string
  readonly url: string
  readonly #account: { uid: number; gid: number } | undefined
  #process: ChildProcess | undefined

  private constructor(folder: string, port: number, account: { uid: number; gid: number } | undefined) {
    this.folder = folder
    this.config = join(folder, 'slapd.d')
    this.url = `ldap://127.0.0.1:${port}`
    this.#account = account
  }

  static async start(): Promise<OpenldapServer> {
    const folder = await mkdtemp('/tmp/openldap-pack-')
    const [, uid, gid] = /^openldap:[^:]*:(\d+):(\d+):/m.exec(await readFile('/etc/passwd', 'utf8')) ?? []
    const account = process.getuid?.() === 0 ? { uid: Number(uid), gid: Number(gid) } : undefined
    const server = new OpenldapServer(folder, await freePort(), account)
    for (const path of [folder, server.config, server.files('first'), server.files('second')]) {
      await mkdir(path, { recursive: true })
      if (account) await chown(path, account.uid, account.gid)
    }
    server.#tool('slapadd', ['-n', '0'], configuration(folder))
    await writeFile(join(folder, 'password'), password, { mode: 0o600 })
    await server.start()
    return server
  }

  /** Where a database has its files. */
  files(database: 'first' | 'second'): string {
    return join(this.folder, database)
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
  }

  async start(): Promise<void> {
    const child = spawn('slapd', ['-F', this.config, '-h', this.url, '-d', '0'], {
      stdio: 'ignore',
      env,
      ...this.#account,
    })
    this.#process = child
    const isUp = () =>
      run('ldapsearch', ['-x', '-H', this.url, '-s', 'base', '-b', '']).then(Boolean, () => !this.isRunning)
    await until(isUp, 'slapd starts')
    if (!this.isRunning) throw new Error(`slapd ended with ${child.exitCode}`)
  }

  async stop(): Promise<void> {
    this.#process?.kill('SIGTERM')
    await until(() => !this.isRunning, 'slapd ends')
  }

  /** Applies LDIF as the administrator of a database. */
  modify(database: string, ldif: string): void {
    const file = join(this.folder, 'password')
    const args = ['-x', '-H', this.url, '-D', `cn=admin,${database}`, '-y', file]
    execFileSync('ldapmodify', args, { input: ldif, stdio: ['pipe', 'ignore', 'pipe'] })
  }

  /** Everything in a database, operational attributes included. */
  dump(database: string): string {
    return this.#tool('slapcat', ['-b', database, '-o', 'ldif_wrap=no'], '')
  }

  #tool(name: string, args: string[], input: string): string {
    return execFileSync(name, ['-F', this.config, ...args], {
      ...{ input, encoding: 'utf8', env, cwd: '/' },
      ...this.#account,
      maxBuffer: 100_000_000,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process?.kill('SIGKILL')
    await until(() => !this.isRunning, 'slapd ends')
    await rm(this.folder, { recursive: true, force: true })
  }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

const database = (number: number, name: string, suffix: string, folder: string) => `
dn: olcDatabase={${number}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {${number}}mdb
olcSuffix:: ${base64(suffix)}
olcRootDN:: ${base64(`cn=admin,${suffix}`)}
olcRootPW: ${password}
olcDbDirectory: ${folder}/${name}
olcDbMaxSize: 50000000
olcDbNoSync: TRUE
olcDbIndex: objectClass eq
`

const configuration = (folder: string) => `dn: cn=config
objectClass: olcGlobal
cn: config

dn: cn=module{0},cn=config
objectClass: olcModuleList
cn: module{0}
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file:///etc/ldap/schema/core.ldif

include: file:///etc/ldap/schema/cosine.ldif

include: file:///etc/ldap/schema/inetorgperson.ldif
${database(1, 'first', suffix, folder)}${database(2, 'second', oddSuffix, folder)}`
