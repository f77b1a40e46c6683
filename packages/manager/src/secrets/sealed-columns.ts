/** Every column that holds sealed texts, by table. A test compares it with the database. */
export const sealedColumns = {
  service_instances: ['sealed_database_password', 'sealed_backup_password', 'sealed_parameters'],
  agents: ['sealed_password'],
  certificate_authorities: ['sealed_key'],
  file_destinations: ['sealed_store_secrets'],
  backup_plans: ['sealed_private_key'],
  notification_channels: ['sealed_secrets'],
  policies: ['sealed_template_secrets'],
  service_brokers: ['sealed_password'],
  provisioned_instances: ['sealed_parameters', 'sealed_credentials'],
  clones: ['sealed_target', 'sealed_private_key', 'sealed_mask'],
  jobs: ['sealed_private_key', 'sealed_parameters'],
  broker_bindings: ['sealed_token'],
} as const

type SealedColumns = typeof sealedColumns

/**
 * What is bound into a sealed text: it opens in its column of its row, and nowhere else. Anyone who can write to the database
 * cannot move the password of one instance to another.
 *
 * @param id - The primary key of the row, which never changes.
 */
export function purposeOf<T extends keyof SealedColumns>(
  table: T,
  column: SealedColumns[T][number],
  id: string,
): string {
  return `${table}.${column}/${id}`
}
