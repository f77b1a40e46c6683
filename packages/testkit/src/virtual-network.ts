import { hasProgram, runProgram } from './run-program.ts'

/** A place in a virtual network. */
export interface VirtualHost {
  address: string
  /** What a program is started with to be there: prepend it to its command. */
  prefix: readonly string[]
}

const FIRST_HOST = 100
const PREFIX = 'osbk'

/** Why no virtual network can be created here; undefined where it can. */
export async function whyNoVirtualNetwork(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'partitions need root'
  for (const [program, ...args] of [
    ['ip', '-V'],
    ['nft', '--version'],
    ['nsenter', '--version'],
  ] as const) {
    if (!(await hasProgram(program, ...args))) return `partitions need ${program}`
  }
  return undefined
}

/**
 * Network namespaces on one bridge, which can be cut off from each other without that either end notices: packets are dropped, as by a
 * broken switch. The test itself is on the bridge and reaches every host.
 */
export class VirtualNetwork implements AsyncDisposable {
  readonly #subnet: string
  readonly #namespaces = new Map<string, string>()
  /** How many partitions want each pair apart. */
  readonly #cuts = new Map<string, number>()
  #services = 1

  private constructor(subnet: string) {
    this.#subnet = subnet
  }

  static async create(): Promise<VirtualNetwork> {
    await deleteAbandoned()
    // By the process id, so that two runs on one machine keep apart.
    const network = new VirtualNetwork(`10.${128 + (process.pid % 100)}.${(process.pid >> 7) % 250}`)
    await runProgram('ip', 'link', 'add', bridge, 'type', 'bridge')
    await runProgram('ip', 'address', 'add', `${network.#subnet}.1/24`, 'dev', bridge)
    await runProgram('ip', 'link', 'set', bridge, 'up')
    return network
  }

  /** An address of its own for a service of the test itself, so that hosts can be cut off from it alone. */
  async addService(): Promise<string> {
    const address = `${this.#subnet}.${++this.#services}`
    await runProgram('ip', 'address', 'add', `${address}/24`, 'dev', bridge)
    return address
  }

  async addHost(): Promise<VirtualHost> {
    const number = FIRST_HOST + this.#namespaces.size
    const [namespace, address] = [`${PREFIX}-${process.pid}-${number}`, `${this.#subnet}.${number}`]
    this.#namespaces.set(address, namespace)
    const outside = `${PREFIX}${process.pid}v${number}`.slice(-15)
    const inside = (...args: string[]) => runProgram('ip', '-n', namespace, ...args)
    await runProgram('ip', 'netns', 'add', namespace)
    await runProgram('ip', 'link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
    await runProgram('ip', 'link', 'set', outside, 'master', bridge, 'up')
    await inside('address', 'add', `${address}/24`, 'dev', 'eth0')
    await inside('link', 'set', 'lo', 'up')
    await inside('link', 'set', 'eth0', 'up')
    await this.#nft(address, 'add table inet cut { set peers { type ipv4_addr; }; }')
    for (const [hook, peer] of [
      ['input', 'saddr'],
      ['output', 'daddr'],
    ] as const) {
      await this.#nft(address, `add chain inet cut ${hook} { type filter hook ${hook} priority 0; }`)
      await this.#nft(address, `add rule inet cut ${hook} ip ${peer} @peers drop`)
    }
    return { address, prefix: ['nsenter', `--net=/run/netns/${namespace}`] }
  }

  /** Cuts a host off from an address of the network. Returns what heals it. */
  async partition(host: VirtualHost, from: string): Promise<() => Promise<void>> {
    const pair = `${host.address} ${from}`
    const count = (this.#cuts.get(pair) ?? 0) + 1
    this.#cuts.set(pair, count)
    if (count === 1) await this.#nft(host.address, `add element inet cut peers { ${from} }`)
    return async () => {
      const left = (this.#cuts.get(pair) ?? 0) - 1
      this.#cuts.set(pair, left)
      if (left === 0) await this.#nft(host.address, `delete element inet cut peers { ${from} }`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of this.#namespaces.values()) await runProgram('ip', 'netns', 'delete', namespace)
    await runProgram('ip', 'link', 'delete', bridge)
  }

  async #nft(address: string, command: string): Promise<void> {
    await runProgram('ip', 'netns', 'exec', this.#namespaces.get(address) ?? '', 'nft', command)
  }
}

const bridge = `${PREFIX}${process.pid}`

/** Deletes what a killed run has left behind. */
async function deleteAbandoned(): Promise<void> {
  const namespaces = (await runProgram('ip', 'netns', 'list')).matchAll(new RegExp(`^${PREFIX}-(\\d+)-\\d+`, 'gm'))
  for (const [namespace, pid] of namespaces) {
    if (!isAlive(Number(pid))) await runProgram('ip', 'netns', 'delete', namespace)
  }
  const bridges = (await runProgram('ip', '-br', 'link', 'show', 'type', 'bridge')).matchAll(
    new RegExp(`^${PREFIX}(\\d+)`, 'gm'),
  )
  for (const [name, pid] of bridges) if (!isAlive(Number(pid))) await runProgram('ip', 'link', 'delete', name)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
