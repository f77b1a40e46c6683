import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Collections by name, with their documents. */
type Database = Record<string, { documents: unknown[]; indexes: string[] }>

export interface MongoState {
  setName?: string
  isRouter?: boolean
  password: string
  databases: Record<string, Database>
  /** What the stand-ins do wrong. */
  fault?: 'truncated-dump' | 'failed-documents' | 'error-with-0' | 'slow-restore' | 'dump-fails'
}

/** How a stand-in was called. */
export interface Call {
  program: string
  args: string[]
  /** What the file of `--config` holds. */
  config: string
}

/**
 * Recording stand-ins of `mongodump`, `mongorestore` and `mongosh`, which Debian does not have: they record how they are called, refuse
 * options that the documentation does not know and wrong passwords, and keep databases in a file. They prove that the pack calls the tools
 * as documented and judges their answers, and nothing about the tools.
 */
export class MongoStandIns implements AsyncDisposable {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async start(state: MongoState): Promise<MongoStandIns> {
    const standIns = new MongoStandIns(await mkdtemp('/tmp/mongodb-'))
    await standIns.write(state)
    for (const [program, body] of Object.entries(programs)) {
      const path = join(standIns.folder, program)
      const head = `#!${process.execPath}\nconst folder = ${JSON.stringify(standIns.folder)}, program = '${program}'\n`
      await writeFile(path, `${head}${common}\n${body}`)
      await chmod(path, 0o755)
    }
    return standIns
  }

  get path(): string {
    return `${this.folder}:${process.env.PATH}`
  }

  async state(): Promise<MongoState> {
    return JSON.parse(await readFile(join(this.folder, 'state.json'), 'utf8'))
  }

  write(state: MongoState): Promise<void> {
    return writeFile(join(this.folder, 'state.json'), JSON.stringify(state))
  }

  async change(change: (state: MongoState) => void): Promise<void> {
    const state = await this.state()
    change(state)
    await this.write(state)
  }

  /** The calls since the last one to this method. */
  async calls(): Promise<Call[]> {
    const path = join(this.folder, 'calls')
    const text = await readFile(path, 'utf8').catch(() => '')
    await rm(path, { force: true })
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}

const common = String.raw`
const fs = require('node:fs')
const file = folder + '/state.json'
const state = JSON.parse(fs.readFileSync(file, 'utf8'))
const save = () => fs.writeFileSync(file, JSON.stringify(state))
const args = process.argv.slice(2)
const options = Object.fromEntries(args.map((arg) => { const [name, ...rest] = arg.split('='); return [name, rest.join('=')] }))
const config = options['--config'] === undefined ? '' : fs.readFileSync(options['--config'], 'utf8')
fs.appendFileSync(folder + '/calls', JSON.stringify({ program, args, config }) + '\n')
const fail = (text) => { process.stderr.write('Failed: ' + text + '\n'); process.exit(1) }
const known = ['--config', '--host', '--username', '--authenticationDatabase', '--ssl', '--sslCAFile', '--archive', '--db']
const require_ = (more) => {
  for (const name of Object.keys(options)) if (![...known, ...more].includes(name)) fail('unknown option ' + name)
  if (JSON.parse(config.replace(/^password: /, '')) !== state.password) fail('Authentication failed.')
}
const magic = Buffer.from([0x6d, 0xe2, 0x99, 0x81])
const own = ['admin', 'config', 'local']
`

const programs = {
  mongodump: String.raw`
require_(['--oplog', '--dumpDbUsersAndRoles'])
if (state.fault === 'dump-fails') { process.stdout.write(magic); fail('connection lost') }
if ('--oplog' in options && ('--db' in options || !state.setName)) fail('--oplog mode only supported on full dumps of replica sets')
const chosen = Object.entries(state.databases).filter(([name]) => options['--db'] === undefined || name === options['--db'])
if (!chosen.length) fail('no such database')
const dump = Buffer.concat([magic, Buffer.from(JSON.stringify(Object.fromEntries(chosen)))])
process.stdout.write(state.fault === 'truncated-dump' ? dump.subarray(0, dump.length / 2) : dump)
if (state.fault === 'error-with-0') process.stderr.write('2026-03-28T10:00:00.000+0000\terror: cursor was killed\n')
process.stderr.write('2026-03-28T10:00:00.000+0000\tdone dumping\n')
`,
  mongorestore: String.raw`
require_(['--stopOnError', '--drop', '--oplogReplay', '--nsInclude', '--nsFrom', '--nsTo', '--restoreDbUsersAndRoles'])
const chunks = []
process.stdin.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
  const dump = Buffer.concat(chunks)
  if (!dump.subarray(0, 4).equals(magic)) fail('stream or file does not appear to be a mongodump archive')
  let content
  // The real one, too, may take an archive that ends between two collections for a whole one.
  try { content = JSON.parse(dump.subarray(4).toString()) } catch { content = {} }
  let restored = 0
  for (const [name, collections] of Object.entries(content)) {
    const include = options['--nsInclude'] ?? (options['--db'] && options['--db'] + '.*')
    if (include !== undefined && include !== name + '.*') continue
    const target = options['--nsFrom'] === name + '.*' ? options['--nsTo'].slice(0, -2) : name
    state.databases[target] = { ...state.databases[target], ...collections }
    for (const { documents } of Object.values(collections)) restored += documents.length
  }
  save()
  const failed = state.fault === 'failed-documents' ? 3 : 0
  process.stderr.write('2026-03-28T10:00:00.000+0000\t' + restored + ' document(s) restored successfully. ' + failed + ' document(s) failed to restore.\n')
  if (state.fault === 'slow-restore') { fs.writeFileSync(folder + '/waiting', ''); setTimeout(() => {}, 1e8) }
})
`,
  mongosh: `
const vm = require('node:vm')
if (!args.includes('--nodb') || !args.includes('--norc')) fail('mongosh would connect, or read the files of the account')
class Mongo {
  constructor(uri) {
    if (decodeURIComponent(new URL(uri).password) !== state.password) throw new Error('MongoServerError: Authentication failed.')
    if (new URL(uri).searchParams.get('authSource') === null) throw new Error('no authSource')
  }
  getDBNames() { return [...own, ...Object.keys(state.databases)] }
  getDB(name) {
    const collections = state.databases[name] ?? {}
    return {
      version: () => '7.0.0 of a stand-in',
      runCommand: () => ({ ok: 1, setName: state.setName, msg: state.isRouter ? 'isdbgrid' : undefined }),
      adminCommand: () => ({ totalSize: 12345 }),
      stats: () => ({ dataSize: 1234 }),
      getCollectionInfos: () => Object.keys(collections).map((each) => ({ name: each, type: 'collection' })),
      getCollection: (each) => ({ getIndexes: () => collections[each].indexes }),
      dropDatabase: () => { delete state.databases[name]; save() },
    }
  }
}
vm.runInNewContext(fs.readFileSync(args.at(-1), 'utf8'), { Mongo, print: (line) => console.log(line) })
`,
}
