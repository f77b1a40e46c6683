import type { FastifyRequest } from 'fastify'
import type { OriginatingIdentity, PlatformCall } from '../../broker/platform-call.ts'
import { RequestError } from '../../shared/request-error.ts'
import type { App } from '../typed-app.ts'
import { VersionError } from './errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls, and for whom. Set on every route below `/v2`. */
    platform: PlatformCall
  }
}

/** The oldest version of the API whose platforms are served. */
const OLDEST_MINOR = 13
const IDENTITY = 'X-Broker-API-Originating-Identity'
const MAX_NAME_LENGTH = 300

/** Reads the headers of the Open Service Broker API. To be called on the routes of `/v2` alone: their callers are identified before. */
export function readBrokerHeaders(app: App, publicUrl: string | undefined): void {
  app.decorateRequest('platform', undefined as unknown as PlatformCall)
  app.addHook('onRequest', async (request, reply) => {
    const identity = request.headers['x-broker-api-request-identity']
    if (typeof identity === 'string') reply.header('X-Broker-API-Request-Identity', identity)
    requireVersion(request.headers['x-broker-api-version'])
    request.platform = platformOf(request, publicUrl)
    // The audit log names both.
    request.call = request.platform.call
  })
}

/** @throws {VersionError} If there is none, or one that is not supported. */
function requireVersion(sent: string | string[] | undefined): void {
  const [, major, minor] = /^(\d{1,3})\.(\d{1,3})$/.exec(String(sent)) ?? []
  if (major === '2' && Number(minor) >= OLDEST_MINOR) return
  const found = sent === undefined ? 'is missing' : `is ${JSON.stringify(sent)}`
  throw new VersionError(
    `X-Broker-API-Version ${found}: this broker supports versions from 2.${OLDEST_MINOR}, such as 2.17.`,
  )
}

function platformOf(request: FastifyRequest, publicUrl = `${request.protocol}://${request.host}`): PlatformCall {
  const { call } = request
  const identity = readIdentity(request.headers['x-broker-api-originating-identity'])
  if (identity === undefined) return { call, identity, publicUrl }
  const { user_id: id, username } = identity.user
  const user = [id, username].find((each) => typeof each === 'string') ?? 'unknown'
  const said = `${call.caller.name} for the ${identity.platform} user ${user}`
  // It is stored.
  const name = said
    .replaceAll(/\p{Cc}/gu, '')
    .slice(0, MAX_NAME_LENGTH)
    .toWellFormed()
  return { call: { ...call, caller: { ...call.caller, name } }, identity, publicUrl }
}

/** @throws {RequestError} If it is not a platform and a JSON object in Base64. */
function readIdentity(header: string | string[] | undefined): OriginatingIdentity | undefined {
  if (header === undefined) return undefined
  const [, platform, value] = /^([^\s]{1,100}) +([A-Za-z0-9+/_-]+={0,2})$/.exec(String(header)) ?? []
  const user = value === undefined ? undefined : parseObject(Buffer.from(value, 'base64').toString('utf8'))
  if (platform !== undefined && user !== undefined) return { platform, user }
  const message = `${IDENTITY} must be the name of a platform and a JSON object in Base64, with a space between them.`
  throw new RequestError('invalid', message, { field: IDENTITY })
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
