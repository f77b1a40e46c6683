import { agentSettingsSections } from '@osb-backup/agent'
import { managerSettingsSections } from '@osb-backup/manager'
import type { ServiceDocuments } from './service-documents.ts'

/** Where the packs of the agent are installed. */
const PACKS = '/usr/share/osb-backup/agent/script-packs'

/** The services that Debian packages install. */
export const services: Readonly<Record<'agent' | 'manager', ServiceDocuments & { description: string }>> = {
  manager: {
    name: 'osb-backup-manager',
    summary: 'manager of backups of databases that service brokers provision',
    file: '/etc/osb-backup/manager.conf',
    sections: managerSettingsSections,
    preset: { DATA_DIR: '/var/lib/osb-backup-manager' },
    description: `Without options it starts, as systemd does for the service. It needs PostgreSQL 14 or newer: set
DATABASE_URL, then enable the service with "systemctl enable --now osb-backup-manager".

With a command it works on the data of the service, also while it runs; run it as root. "osb-backup-manager --help" lists
the commands: tokens, the key that seals secrets, imports and recovery.

/etc/osb-backup/secret.key seals the stored secrets. Keep a copy elsewhere; without it they are lost.`,
  },
  agent: {
    name: 'osb-backup-agent',
    summary: 'agent that backs up the databases beside it',
    file: '/etc/osb-backup/agent.conf',
    sections: agentSettingsSections,
    preset: {
      directory_backup: '/var/lib/osb-backup-agent/backup',
      directory_restore: '/var/lib/osb-backup-agent/restore',
      state_directory: '/var/lib/osb-backup-agent/state',
      scripts_path: `${PACKS}/postgresql`,
      packs_path: PACKS,
    },
    description: `It listens for managers, runs the scripts of a pack when one asks for a backup or a restore, and moves the dump.

Set client_username and client_password, or the enrolment_ settings that "osb-backup agent enrol" prints, choose the scripts,
then enable the service with "systemctl enable --now osb-backup-agent".`,
  },
}
