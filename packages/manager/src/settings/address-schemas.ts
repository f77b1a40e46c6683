import { isIP } from 'node:net'
import { z } from 'zod'

/** `*`, or scheme, host and port of a web page and nothing else. */
export const origin = z
  .string()
  .refine((value) => value === '*' || (URL.canParse(value) && new URL(value).origin === value))

/** An IP address, or a network in CIDR notation. */
export const network = z.string().refine((value) => {
  const [address = '', length, ...rest] = value.split('/')
  const family = isIP(address)
  const isLength = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128))
  return family !== 0 && isLength && rest.length === 0
})

/** An agent's URL with `{backupHostIp}` in it. */
export const agentUrl = z
  .string()
  .regex(/^https?:\/\/[^\s@?#]+$/, 'must be a URL like http://{backupHostIp}:8000')
  .refine((value) => value.includes('{backupHostIp}'), 'must contain {backupHostIp}')
