/** A program that is shipped: one file, with what it reads at run time beside it. */
export interface Program {
  /** Its folder in packages/ and in dist/. */
  name: 'agent' | 'cli' | 'manager'
  /** What it is called when it is installed. */
  command: string
  /** What it is. */
  description: string
  /** Folders that are copied beside it: their names there, and their paths in the repository. */
  folders: Readonly<Record<string, string>>
}

/** Where the build of the dashboard is. */
export const DASHBOARD = 'packages/dashboard/dist'

/** The programs that `npm run build` builds. */
export const programs: readonly Program[] = [
  {
    name: 'manager',
    command: 'osb-backup-manager',
    description: 'Manager of the OSB Backup Manager: API, schedule, jobs, dashboard',
    folders: { dashboard: DASHBOARD, 'api-page': 'node_modules/@fastify/swagger-ui/static' },
  },
  {
    name: 'agent',
    command: 'osb-backup-agent',
    description: 'Agent of the OSB Backup Manager, the daemon beside a database',
    folders: { 'script-packs': 'script-packs' },
  },
  { name: 'cli', command: 'osb-backup', description: 'Command line of the OSB Backup Manager', folders: {} },
]

/** The file of a program: CommonJS, which Node loads faster, since nothing has to list the exports of its own modules. */
export const fileOf = ({ command }: Program): string => `${command}.cjs`
