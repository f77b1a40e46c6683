/** Every column that holds sealed texts, with the purpose that is bound into them. A test compares it with the database. */
export const sealedColumns = {
  service_instances: {
    sealed_database_password: 'instance-database-password',
    sealed_backup_password: 'instance-backup-password',
  },
  agents: { sealed_password: 'agent-password' },
  file_destinations: { sealed_store_secrets: 'destination-secrets' },
  backup_plans: { sealed_private_key: 'plan-private-key' },
  notification_channels: { sealed_secrets: 'notification-channel-secrets' },
  jobs: { sealed_private_key: 'job-private-key' },
} as const
