import type { Context } from '../context/context.ts'
import { forgetSecrets } from '../secrets/forget-secrets.ts'

/** What holds secrets, and how they are entered again. */
const lost = [
  ['agents', 'passwords of agents', 'PATCH /v1/agents/{id}'],
  ['service_instances', 'secrets of service instances', 'PATCH /v1/instances/{id}'],
  ['file_destinations', 'secrets of destinations', 'PATCH /v1/destinations/{id}'],
  ['backup_plans', 'private keys of plans', 'PATCH /v1/plans/{id}'],
  ['notification_channels', 'secrets of notification channels', 'PATCH /v1/notification-channels/{id}'],
  ['jobs', 'secrets of open jobs, which fail', 'start them again'],
] as const

/**
 * Erases the secrets of a database whose key was lost, so that managers start again.
 *
 * @returns What to report to the operator.
 */
export async function forgetKey(context: Pick<Context, 'database' | 'sealer'>): Promise<string> {
  const counts = await forgetSecrets(context)
  const lines = lost.map(([table, what, how]) => `  ${counts.get(table) ?? 0} ${what}: ${how}`)
  const brokers = counts.get('broker_accounts') ?? 0
  return [
    'Erased the secrets that no key opens. Enter them again:',
    ...lines,
    `The passwords of ${brokers} broker accounts remain valid. Set them again with PATCH /v1/broker-accounts/{name}: until then, each wrong one takes long to refuse.`,
  ].join('\n')
}
