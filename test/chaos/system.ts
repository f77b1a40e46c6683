import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { BackupClient } from '@osb-backup/client'
import type { DestinationCreate, Plan, PlanCreate } from '@osb-backup/protocol/v1'
import { FaultProxy, makeTemporaryFolder, VirtualNetwork, whyNoVirtualNetwork } from '@osb-backup/testkit'
import type { LabEnv } from '../../lab/index.ts'
import { registerInstance } from '../fixtures/register-instance.ts'
import { OwnPostgres } from './own-postgres.ts'
import { ChaosAgent, ChaosManager, type Victim } from './victims.ts'

export interface SystemOptions {
  /** Managers on one PostgreSQL, which is killed too; 0: one manager on its embedded PostgreSQL. */
  managers: number
  agents: number
  /** The S3 that some plans store to, behind a proxy that misbehaves; absent: all plans store to a directory. */
  s3?: LabEnv['s3']
}

/** A plan that fires while things break. */
export interface ChaosPlan {
  plan: Plan
  agent: ChaosAgent
  pausedAt?: Date
}

/** A service in the network of the system, behind a proxy. */
export interface Service {
  address: string
  proxy: FaultProxy
}

/** How many seconds pass between two runs of a plan. */
export const PLAN_INTERVAL_SECONDS = 5
/** Everything seals with it, whichever manager comes up first. */
const SECRET_KEY = 'c4a05'.padEnd(64, '0')
const CLIENT_ADDRESS = '127.0.0.1'

/** Managers and agents, each in a network of its own if we are root, with a database server and an object store between them. */
export class ChaosSystem implements AsyncDisposable {
  readonly managers: ChaosManager[] = []
  readonly agents: ChaosAgent[] = []
  readonly plans: ChaosPlan[] = []
  /** What is left out, and why. */
  readonly skipped: string[] = []
  network: VirtualNetwork | undefined
  postgres: OwnPostgres | undefined
  database: Service | undefined
  objectStore: Service | undefined
  directory = ''
  readonly #s3: (LabEnv['s3'] & { bucket: string }) | undefined
  readonly #stack = new AsyncDisposableStack()

  private constructor(s3: LabEnv['s3'] | undefined) {
    this.#s3 = s3 && { ...s3, bucket: `chaos-${Date.now()}` }
  }

  static async start(options: SystemOptions): Promise<ChaosSystem> {
    const system = new ChaosSystem(options.s3)
    try {
      await system.#start(options)
      return system
    } catch (error) {
      await system[Symbol.asyncDispose]()
      throw error
    }
  }

  get victims(): Victim[] {
    return [...this.managers, ...this.agents]
  }

  /** A client of a manager that runs. */
  get client(): BackupClient {
    const manager = this.managers.find((each) => each.isRunning)
    if (manager === undefined) throw new Error('no manager runs')
    return manager.running.client
  }

  /** Reads an object without any code of ours. */
  async readObject(name: string): Promise<Buffer> {
    const { client, Bucket } = this.#bucket()
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: name }))
    return Buffer.from((await Body?.transformToByteArray()) ?? [])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  async #start({ managers, agents }: SystemOptions): Promise<void> {
    const folder = this.#stack.use(await makeTemporaryFolder()).path
    this.directory = join(folder, 'store')
    await mkdir(this.directory)
    const whyNot = managers === 0 ? 'an embedded PostgreSQL is for one manager' : await whyNoVirtualNetwork()
    if (whyNot !== undefined) this.skipped.push(`no partitions: ${whyNot}`)
    this.network = whyNot === undefined ? this.#stack.use(await VirtualNetwork.create()) : undefined
    await this.#startServices(folder, managers)
    const settings = this.#managerSettings(folder)
    for (let number = 1; number <= Math.max(managers, 1); number++) {
      const host = await this.network?.addHost()
      this.managers.push(await ChaosManager.prepare(`manager-${number}`, folder, host, settings))
    }
    for (let number = 1; number <= agents; number++) {
      const agent = await ChaosAgent.prepare(`agent-${number}`, folder, this.directory, await this.network?.addHost())
      if (agent.disk !== undefined) this.#stack.use(agent.disk)
      this.agents.push(agent)
    }
    if (this.victims.some((victim) => victim.clock === undefined))
      this.skipped.push('no wrong clocks: libfaketime is missing')
    if (process.getuid?.() !== 0) this.skipped.push('no full disks: they need root')
    for (const victim of this.victims) {
      await victim.start()
      this.#stack.defer(() => victim.stop())
    }
    for (const agent of this.agents) await this.#createPlans(agent)
  }

  async #startServices(folder: string, managers: number): Promise<void> {
    if (managers > 0) {
      this.postgres = this.#stack.use(await OwnPostgres.start(folder))
      this.database = await this.#startService(new URL(this.postgres.url))
    }
    if (this.#s3 === undefined) {
      this.skipped.push('no faults of the object store: there is none')
      return
    }
    this.objectStore = await this.#startService(new URL(this.#s3.endpoint))
    const { client, Bucket } = this.#bucket()
    await client.send(new CreateBucketCommand({ Bucket }))
  }

  async #startService({ hostname, port }: URL): Promise<Service> {
    const address = (await this.network?.addService()) ?? CLIENT_ADDRESS
    return { address, proxy: this.#stack.use(await FaultProxy.start({ host: hostname, port: Number(port) }, address)) }
  }

  #managerSettings(folder: string): Record<string, string> {
    const url = this.postgres && new URL(this.postgres.url)
    if (url !== undefined && this.database !== undefined) {
      url.hostname = this.database.address
      url.port = String(this.database.proxy.port)
    }
    return {
      DATA_DIR: join(folder, 'manager'),
      FILE_DESTINATION_ROOT: this.directory,
      MINIMUM_INTERVAL_SECONDS: '1',
      AGENT_UNREACHABLE_SECONDS: '10',
      LOG_LEVEL: 'fatal',
      SECRET_KEY,
      ...(url && { DATABASE_URL: url.href }),
    }
  }

  /** Plans that fire every few seconds: of one item and of two, with each style of retention, to each store, and two of one item. */
  async #createPlans(agent: ChaosAgent): Promise<void> {
    const { client } = this
    const instanceId = agent.name
    await registerInstance(client, instanceId, agent.running)
    const directory = join(this.directory, instanceId)
    await mkdir(directory)
    const files = await client.destinations.create({ instanceId, name: 'files', store: { kind: 'file', directory } })
    const objects =
      this.#s3 && (await client.destinations.create({ instanceId, name: 'objects', store: this.#store() }))
    const kinds: (Pick<PlanCreate, 'items' | 'retention'> & { isRemote: boolean })[] = [
      { items: ['db0'], retention: { style: 'count', period: 2 }, isRemote: false },
      { items: ['db1'], retention: { style: 'all' }, isRemote: false },
      { items: ['db2', 'db3'], retention: { style: 'count', period: 2 }, isRemote: true },
      { items: ['db0', 'db1'], retention: { style: 'days', period: 1 }, isRemote: true },
    ]
    for (const [index, { items, retention, isRemote }] of kinds.entries()) {
      const plan = await client.plans.create({
        instanceId,
        name: `plan ${index}`,
        destinationId: (isRemote ? objects : undefined)?.id ?? files.id,
        schedule: { cron: `*/${PLAN_INTERVAL_SECONDS} * * * * *` },
        retention,
        items,
        compression: { algorithm: isRemote ? 'zstd' : 'none' },
      })
      this.plans.push({ plan, agent })
    }
  }

  #store(): DestinationCreate['store'] {
    const { s3, service } = { s3: this.#s3, service: this.objectStore }
    if (s3 === undefined || service === undefined) throw new Error('there is no object store')
    return {
      kind: 's3',
      endpoint: `http://${service.address}:${service.proxy.port}`,
      region: s3.region,
      bucket: s3.bucket,
      authKey: s3.accessKeyId,
      authSecret: s3.secretAccessKey,
    }
  }

  /** The bucket, past the proxy. */
  #bucket(): { client: S3Client; Bucket: string } {
    if (this.#s3 === undefined) throw new Error('there is no object store')
    const { endpoint, region, accessKeyId, secretAccessKey, bucket } = this.#s3
    const credentials = { accessKeyId, secretAccessKey }
    return { client: new S3Client({ endpoint, region, forcePathStyle: true, credentials }), Bucket: bucket }
  }
}
