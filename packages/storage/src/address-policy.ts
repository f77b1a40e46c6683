import { BlockList, isIPv4, isIPv6 } from 'node:net'
import type { AddressRule } from './address-rule.ts'

/**
 * Addresses that no store has, whatever the operator allows: link-local ones, those of cloud metadata services, multicast
 * and broadcast.
 */
const never = blockList(
  ['169.254.0.0/16', 'fe80::/10', 'fec0::/10'],
  ['168.63.129.16/32', '100.100.100.200/32', '192.0.0.0/24', 'fd00:ec2::254/128', 'fd20:ce::254/128'],
  ['224.0.0.0/3', 'ff00::/8'],
)

/** Private networks, and this machine. */
const onPremises = blockList(
  ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'],
  ['0.0.0.0/8', '127.0.0.0/8', '::/128', '::1/128'],
)

/** Which addresses may be connected to for destinations, private ones only if the operator allows them. */
export function addressRule(privateDestinations: 'allow' | 'forbid'): AddressRule {
  return (address) => {
    const readings = [address, ...embedded(address)]
    if (readings.some((each) => isIn(never, each))) return false
    return privateDestinations === 'allow' || !readings.some((each) => isIn(onPremises, each))
  }
}

/** The IPv4 address that is embedded in an IPv6 one: mapped, compatible, translated (NAT64) or tunnelled (6to4). */
function embedded(address: string): string[] {
  if (!isIPv6(address)) return []
  const groups = groupsOf(address)
  const [first, second, third = 0] = groups
  if (first === 0x2002) return [ipv4Of(second ?? 0, third)]
  const isPrefix = groups.slice(0, 5).every((group) => group === 0) && [0, 0xffff].includes(groups[5] ?? -1)
  const isTranslated = first === 0x64 && second === 0xff9b
  return isPrefix || isTranslated ? [ipv4Of(groups[6] ?? 0, groups[7] ?? 0)] : []
}

/** The eight numbers of an IPv6 address. The URL parser knows every way to write one. */
function groupsOf(address: string): number[] {
  const [plain = ''] = address.split('%')
  const [head = '', tail] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::')
  const read = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const [before, after] = [read(head), read(tail ?? '')]
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}

function ipv4Of(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function isIn(list: BlockList, address: string): boolean {
  const [plain = ''] = address.split('%')
  return list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6')
}

function blockList(...networks: string[][]): BlockList {
  const list = new BlockList()
  for (const network of networks.flat()) {
    const [address = '', length] = network.split('/')
    list.addSubnet(address, Number(length), isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return list
}
