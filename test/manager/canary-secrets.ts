import { randomBytes } from 'node:crypto'

const canary = (what: string) => `canary-${what}-${randomBytes(9).toString('hex')}`

/** Everything that must never come out, by what it is. */
export const secrets: Record<string, string> = {
  adminToken: canary('admin-token'),
  sealingKey: randomBytes(32).toString('hex'),
  databasePassword: canary('database-password'),
  agentPassword: canary('agent-password'),
  s3Secret: canary('s3-secret'),
  swiftPassword: canary('swift-password'),
  scriptKey: canary('plan-key'),
  brokerPassword: canary('broker-password'),
  wrongPassword: canary('wrong-password'),
  wrongToken: canary('wrong-token'),
  collectorToken: canary('collector-token'),
}
/** The value of one of them. */
export const secret = (name: string): string => {
  const value = secrets[name]
  if (value === undefined) throw new Error(`there is no canary ${name}`)
  return value
}

/** What is written of a secret: as it is, and as it may be encoded on its way. */
export function spellings(value: string): string[] {
  const bytes = Buffer.from(value)
  return [value, bytes.toString('hex'), encodeURIComponent(value), ...base64Spellings(bytes)]
}

/** In base64 a text looks another way after each number of bytes before it; its middle is looked for. */
function base64Spellings(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    return encoded.slice(before === 0 ? 0 : 4, -4)
  })
}
