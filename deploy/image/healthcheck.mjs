/** Exits with 0 if the manager answers /health, or the agent accepts connections: it answers nobody without credentials. */

import { get as getPlain } from 'node:http'
import { get } from 'node:https'
import { connect } from 'node:net'

const TIMEOUT_MS = 4000
const [, , program] = process.argv
const { PORT = '8080', TLS_CERTIFICATE_FILE, client_port = '8000' } = process.env

function fail(error) {
  console.error(error.message)
  process.exit(1)
}

const deadline = setTimeout(() => fail(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS)
const succeed = () => {
  clearTimeout(deadline)
  process.exit(0)
}

if (program === 'agent') {
  connect(Number(client_port), '127.0.0.1', succeed).on('error', fail)
} else {
  const isTls = Boolean(TLS_CERTIFICATE_FILE)
  // Its certificate names the service, not this address; nothing is sent to it.
  const request = isTls ? get : getPlain
  const options = { host: '127.0.0.1', port: Number(PORT), path: '/health', rejectUnauthorized: false }
  request(options, ({ statusCode }) => (statusCode === 200 ? succeed() : fail(new Error(`status ${statusCode}`)))).on(
    'error',
    fail,
  )
}
