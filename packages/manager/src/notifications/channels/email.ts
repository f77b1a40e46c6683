import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { NotificationTransport } from '@osb-backup/protocol/v1'
import { addressRule } from '@osb-backup/storage'
import { createTransport } from 'nodemailer'
import type { Message } from '../message.ts'
import type { DeliveryRules } from './http-post.ts'

type Email = Extract<NotificationTransport, { kind: 'email' }>

/** Sends an e-mail. All messages of an alarm are one thread: those that follow refer to the first. */
export async function sendEmail(email: Email, message: Message, rules: DeliveryRules): Promise<void> {
  const { host, port, security, username, password, from, to } = email
  const transport = createTransport({
    host: await resolveAllowed(host, rules),
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: { servername: isIP(host) === 0 ? host : undefined },
    auth: username === undefined ? undefined : { user: username, pass: password ?? '' },
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 10_000,
    // Messages name no file and no URL; nothing is loaded.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const close = () => transport.close()
  rules.signal.addEventListener('abort', close, { once: true })
  try {
    const sent = transport.sendMail({ ...headersOf(message, from), from, to, text: message.text })
    await Promise.race([sent, aborted(rules.signal)])
  } finally {
    rules.signal.removeEventListener('abort', close)
    transport.close()
  }
}

function headersOf({ notification, title }: Message, from: string) {
  const { id, channelId, alarmId, event } = notification
  const domain = from.split('@').at(-1)
  const first = `<${alarmId ?? id}.${channelId}@${domain}>`
  const isFirst = alarmId === undefined || event === 'raised'
  const messageId = isFirst ? first : `<${id}@${domain}>`
  const thread = isFirst ? {} : { inReplyTo: first, references: [first] }
  // Vacation notices and the like do not answer.
  return { subject: title, messageId, ...thread, headers: { 'Auto-Submitted': 'auto-generated' } }
}

/** The address of the mail server, if the operator allows all that its name has. */
async function resolveAllowed(host: string, { privateDestinations }: DeliveryRules): Promise<string> {
  const addresses = isIP(host) === 0 ? (await lookup(host, { all: true })).map(({ address }) => address) : [host]
  const [first] = addresses
  if (first !== undefined && addresses.every(addressRule(privateDestinations))) return first
  throw new Error(`The operator does not allow the address of ${host}.`)
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
