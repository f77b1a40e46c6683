/**
 * How `/v1` spells the fields that services and the legacy paths know under other names. Where a refusal names a field, the
 * client must find it in what it sent.
 */
const v1Fields: Readonly<Record<string, string>> = {
  'agent.password': 'password',
  authUrl: 'store.authUrl',
  compressionLevel: 'compression.level',
  directory: 'store.directory',
  endpoint: 'store.endpoint',
  'fileDestination.id': 'destinationId',
  frequency: 'schedule.cron',
  publicKey: 'encryption.publicKey',
  serviceInstance: 'instanceId',
  'serviceInstance.service_instance_id': 'instanceId',
  timezone: 'schedule.timezone',
  type: 'store.kind',
}

/** The name of a field in `/v1`. */
export function v1FieldOf(field: string): string {
  return v1Fields[field] ?? field
}
