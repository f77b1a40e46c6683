/** The catalog of a manager without BROKER_CATALOG. The ids never change: platforms know plans by them. */
export const defaultCatalog = {
  services: [
    {
      id: '4f0d6f0a-6c0f-4a40-9a52-1f7f0f4f8a11',
      name: 'backup',
      description: 'Backs up another service instance of the space, and restores it.',
      tags: ['backup', 'restore'],
      metadata: {
        displayName: 'Backup',
        longDescription:
          'Protects a service instance: scheduled backups with retention, restores of any item, and a last backup when the service is deleted.',
      },
      plans: [
        {
          id: '9a1d7a6e-20c5-4f4f-8e0b-63c5f6a1d0d1',
          name: 'daily',
          description: 'A backup every night; kept for 7 days, 4 weeks and 12 months.',
          free: true,
          metadata: { displayName: 'Daily', bullets: ['Every night', 'Kept for 7 days, 4 weeks and 12 months'] },
          backup: {
            template: {
              schedule: { cron: '0 0 2 * * *', timezone: 'UTC' },
              retention: { style: 'gfs', keepDaily: 7, keepWeekly: 4, keepMonthly: 12 },
            },
            limits: { maxItems: 50, minimumIntervalSeconds: 86_400 },
          },
        },
        {
          id: 'c2b3f0b5-2d0e-4b07-9d7c-5a8e0d1b6c22',
          name: 'hourly',
          description: 'A backup every hour; kept for 24 hours, 7 days, 4 weeks and 12 months.',
          free: true,
          metadata: {
            displayName: 'Hourly',
            bullets: ['Every hour', 'Kept for 24 hours, 7 days, 4 weeks and 12 months'],
          },
          backup: {
            template: {
              schedule: { cron: '0 0 * * * *', timezone: 'UTC' },
              retention: { style: 'gfs', keepHourly: 24, keepDaily: 7, keepWeekly: 4, keepMonthly: 12 },
            },
            limits: { maxItems: 50, minimumIntervalSeconds: 3600 },
          },
        },
      ],
    },
  ],
}
