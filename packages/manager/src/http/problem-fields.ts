/**
 * How the old paths spell the fields that services name as in `/v1`. Where a refusal names a field, the client must find it in
 * what it sent.
 */
const legacyFields: Readonly<Record<string, string>> = {
  'compression.level': 'compressionLevel',
  destinationId: 'fileDestination.id',
  'encryption.publicKey': 'publicKey',
  instanceId: 'serviceInstance',
  'schedule.cron': 'frequency',
  'schedule.timezone': 'timezone',
  'store.kind': 'type',
}

/** The name of a field on an old path, whose routes name their own fields as they are. */
export function legacyFieldOf(field: string, url: string): string {
  if (field === 'instanceId' && url.startsWith('/backupPlans')) return 'serviceInstance.service_instance_id'
  return legacyFields[field] ?? field.replace(/^store\./, '')
}
