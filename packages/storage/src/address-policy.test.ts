import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressRule } from './address-policy.ts'

test.for([
  ...['169.254.169.254', '169.254.0.1', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '::169.254.169.254'],
  ...['64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::1', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fd00:ec2::254', '224.0.0.1'],
  ...['0:0:0:0:0:ffff:a9fe:a9fe', '255.255.255.255', '100.100.100.200', '168.63.129.16', 'ff02::1'],
])('%s is refused whatever the operator allows', (address) => {
  expect(addressRule('allow')(address)).toBe(false)
  expect(addressRule('forbid')(address)).toBe(false)
})

test.for([
  ...['10.0.0.5', '172.16.0.1', '172.31.255.255', '192.168.1.1', '127.0.0.1', '127.8.8.8', '100.64.0.1', '0.0.0.0'],
  ...['::1', '::', 'fd12:3456::1', '::ffff:10.0.0.5', '64:ff9b::7f00:1', '2002:a00:5::'],
])('%s is allowed unless private destinations are forbidden', (address) => {
  expect(addressRule('allow')(address)).toBe(true)
  expect(addressRule('forbid')(address)).toBe(false)
})

test.for(['8.8.8.8', '172.32.0.1', '169.253.255.255', '2001:4860:4860::8888', '::ffff:8.8.8.8'])(
  '%s is allowed always',
  (address) => {
    expect(addressRule('allow')(address)).toBe(true)
    expect(addressRule('forbid')(address)).toBe(true)
  },
)

test('an IPv4 address is judged alike, however IPv6 wraps it', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.constantFrom('allow' as const, 'forbid' as const), (address, setting) => {
      const allows = addressRule(setting)
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
      for (const wrapped of [`::ffff:${address}`, `::ffff:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::`]) {
        expect([wrapped, allows(wrapped)]).toEqual([wrapped, allows(address)])
      }
    }),
  )
})
