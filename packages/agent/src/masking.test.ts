import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MASK, SecretMask, StreamMask } from './masking.ts'

test('secrets are masked as they are, quoted by the shell, in URLs, in JSON and in base64', () => {
  const mask = new SecretMask(["it's a $ecret/1"])
  const spellings = ["it's a $ecret/1", "it'\\''s a $ecret/1", "it's%20a%20%24ecret%2F1", 'aXQncyBhICRlY3JldC8x']
  for (const spelling of spellings) expect(mask.mask(`before ${spelling} after`)).toBe(`before ${MASK} after`)
})

test('every line of a key of several lines is masked', () => {
  const mask = new SecretMask(['AGE-SECRET-KEY-1AAAA\nAGE-SECRET-KEY-1BBBB'])
  expect(mask.mask('AGE-SECRET-KEY-1BBBB, AGE-SECRET-KEY-1AAAA')).toBe(`${MASK}, ${MASK}`)
})

test('a very short secret is masked only as a whole word', () => {
  expect(new SecretMask(['s']).mask('s is a secret: "s"')).toBe(`${MASK} is a secret: "${MASK}"`)
})

test('without secrets nothing changes', () => {
  expect(new SecretMask([undefined, '']).mask('all of it')).toBe('all of it')
})

test('a secret that begins like another is masked completely', () => {
  const stream = new StreamMask(new SecretMask(['pass', 'password']))
  expect(['my pas', 'swor', 'd'].map((piece) => stream.push(piece)).join('') + stream.flush()).toBe(`my ${MASK}`)
})

test('however output is cut into pieces, no secret gets through and nothing else is lost', () => {
  const secrets = fc.array(fc.string({ minLength: 4, maxLength: 12 }), { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(
      secrets,
      fc.array(fc.oneof(fc.nat(2), fc.string({ maxLength: 6 }))),
      fc.nat(7),
      (words, parts, size) => {
        const text = parts.map((part) => (typeof part === 'number' ? (words[part] ?? '') : part)).join('')
        const mask = new SecretMask(words)
        const stream = new StreamMask(mask)
        const pieces = text.match(new RegExp(`[^]{1,${size + 1}}`, 'g')) ?? []
        const shown = pieces.map((piece) => stream.push(piece)).join('') + stream.flush()
        expect(shown).toBe(mask.mask(text))
      },
    ),
  )
})

test('a secret of any size is masked', () => {
  for (const secret of ['é'.repeat(20_000), '%'.repeat(50_000), 'x'.repeat(900_000)]) {
    expect(new SecretMask([secret]).mask(`before ${secret} after`)).toBe('before *** after')
  }
})

test('however many secrets and however often: nothing of them is left', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '|'), minLength: 4, maxLength: 8 }), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.array(fc.nat(7), { maxLength: 12 }),
      (secrets, order) => {
        const text = order.map((at) => secrets[at % secrets.length]).join('|')
        const masked = new SecretMask(secrets).mask(text)
        for (const secret of secrets) expect(masked).not.toContain(secret)
      },
    ),
  )
})
