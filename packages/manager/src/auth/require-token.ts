import type { FastifyInstance } from 'fastify'
import type { Context } from '../context.ts'
import { RequestError } from '../request-error.ts'
import { findCaller } from './token-store.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Serves callers without a token. Only for what tells nothing. */
    open?: boolean
  }
}

/** Lets no call through without a token of ours; routes are closed unless they say that they are open. */
export function requireToken(app: FastifyInstance, context: Context): void {
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config?.open === true) return
    const token = /^Bearer ([\x21-\x7e]{1,500})$/i.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined) {
      throw new RequestError('unauthorised', 'A token is needed: send "Authorization: Bearer <token>".')
    }
    if ((await findCaller(context, token)) === undefined) {
      throw new RequestError('unauthorised', 'This token is not valid here.')
    }
  })
}
