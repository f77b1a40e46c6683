import type { Command } from 'commander'

/** Examples for commands whose help says nothing else; each begins after `osb-backup`. */
const examples: Readonly<Record<string, readonly string[]>> = {
  logout: ['logout --context backup.example'],
  whoami: ['whoami'],
  'context list': ['context list'],
  'context use': ['context use backup.example'],
  'context delete': ['context delete backup.example'],
  'instance list': ['instance list --protection at-risk'],
  'instance show': ['instance show shop-db'],
  'instance items': ['instance items shop-db'],
  'instance trend': ['instance trend shop-db --days 90'],
  'instance edit': [
    'instance edit shop-db',
    'instance edit shop-db -f changes.yaml',
    'instance edit shop-db --parameter restore_mode=in-place --parameter-file api_key=key.txt',
  ],
  'instance delete': ['instance delete shop-db'],
  'agent list': ['agent list --state unreachable'],
  'agent show': ['agent show db-1 -o yaml'],
  'agent check': ['agent check db-1'],
  'agent enrol': ['agent enrol db-1'],
  'agent edit': ['agent edit db-1'],
  'agent delete': ['agent delete db-1'],
  'destination list': ['destination list --instance shop-db'],
  'destination show': ['destination show shop-db/nightly'],
  'destination check': ['destination check shop-db/nightly'],
  'reconciliation show': ['reconciliation show 69a3a7c0f1d2b3c4d5e6f708'],
  'reconciliation cancel': ['reconciliation cancel 69a3a7c0f1d2b3c4d5e6f708'],
  'destination edit': ['destination edit shop-db/nightly'],
  'destination delete': ['destination delete shop-db/nightly'],
  'plan list': ['plan list --instance shop-db'],
  'plan show': ['plan show shop-db/nightly'],
  'plan run': ['plan run shop-db/nightly --wait'],
  'plan pause': ['plan pause shop-db/nightly'],
  'plan resume': ['plan resume shop-db/nightly'],
  'plan preview': [
    'plan preview shop-db/nightly --keep 7d',
    'plan preview --cron "0 2 * * *" --timezone Europe/Berlin',
  ],
  'plan runs': ['plan runs shop-db/nightly --outcome missed'],
  'plan keys': ['plan keys shop-db/nightly --identity-file shop.key'],
  'plan edit': ['plan edit shop-db/nightly'],
  'plan delete': ['plan delete shop-db/nightly --files keep'],
  'job list': ['job list --state failed --since 7d'],
  'job show': ['job show 65f2a90c'],
  'job watch': ['job watch 65f2a90c --timeout 30m'],
  'job logs': ['job logs 65f2a90c --follow'],
  'job cancel': ['job cancel 65f2a90c'],
  'job give-up': ['job give-up 65f2a90c'],
  'job retry-unlock': ['job retry-unlock 65f2a90c'],
  'job mark-unlocked': ['job mark-unlocked 65f2a90c'],
  'job delete': ['job delete 65f2a90c'],
  'restore-point list': ['restore-point list --instance shop-db --item shop --until 2026-03-01'],
  'restore-point show': ['restore-point show 65f2a90c'],
  'restore-point restore': ['restore-point restore 65f2a90c --as shop_copy --wait'],
  'restore-point verify': ['restore-point verify 65f2a90c --sample 10 --wait'],
  'restore-point hold': ['restore-point hold 65f2a90c'],
  'restore-point release': ['restore-point release 65f2a90c'],
  'restore-point undelete': ['restore-point undelete 65f2a90c'],
  'restore-point confirm': ['restore-point confirm 65f2a90c'],
  'restore-point delete': ['restore-point delete 65f2a90c'],
  'alarm list': ['alarm list --state open --severity critical'],
  'alarm show': ['alarm show 65f2a90c'],
  'alarm acknowledge': ['alarm acknowledge 65f2a90c'],
  'channel list': ['channel list'],
  'channel show': ['channel show on-call'],
  'channel test': ['channel test on-call'],
  'channel edit': ['channel edit on-call'],
  'channel delete': ['channel delete on-call'],
  'notification list': ['notification list --channel on-call --state failing'],
  'notification show': ['notification show 65f2a90c'],
  'clock show': ['clock show'],
  'clock confirm': ['clock confirm'],
  'token list': ['token list'],
  'token show': ['token show ci'],
  'token create': [
    'token create --name ci --role operator --instances shop-db,users-db --expires-in 90d',
    'token create --name ada --role operator --instances all --permissions delete-backups',
  ],
  'token delete': ['token delete ci'],
  'broker-account list': ['broker-account list'],
  'broker-account show': ['broker-account show broker'],
  'broker-account create': ['broker-account create broker --password-file password.txt --instances all'],
  'broker-account delete': ['broker-account delete broker'],
  'audit list': ['audit list --since 1d --instance shop-db'],
  'object put': ['object put shop.dump --destination store.json --compression zstd < shop.dump'],
  'object get': ['object get shop.dump --destination store.json > shop.dump'],
  'object verify': ['object verify shop.dump --destination store.json'],
  'object list': ['object list shop/ --destination store.json'],
  apply: ['apply -f backups.yaml', 'apply -f backups/ --dry-run'],
  diff: ['diff -f backups.yaml'],
  export: ['export --instance shop-db > shop-db.yaml'],
  schema: ['schema > osb-backup.schema.json'],
}

/** Adds the examples to the help of all commands below one. */
export function addExamples(command: Command, parents: readonly string[] = []): void {
  for (const each of command.commands) {
    const path = [...parents, each.name()]
    const lines = examples[path.join(' ')]
    if (lines !== undefined) {
      const heading = lines.length === 1 ? 'Example' : 'Examples'
      each.addHelpText('after', `\n${heading}:\n${lines.map((line) => `  osb-backup ${line}`).join('\n')}`)
    }
    addExamples(each, path)
  }
}
