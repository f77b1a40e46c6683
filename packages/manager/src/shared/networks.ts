import { BlockList, isIP, isIPv6 } from 'node:net'

/**
 * Creates a function that says whether an IP address is in one of some networks. What is no IP address is in none.
 *
 * @param networks - IP addresses, and networks in CIDR notation.
 */
export function networkMatcher(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', length] = network.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    list.addSubnet(address, Number(length ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}
