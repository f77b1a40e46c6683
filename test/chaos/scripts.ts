import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Scripts that are witnesses: they see for themselves whether another part works on their database, and whether it is locked by their
 * own job. What they see they leave in a folder: `violations`, `locks`, `runs`, `dumps`, `restores`, and a directory for each lock.
 */
const prelude = `
set -e
violation() { echo "$BACKUP_STAGE of $BACKUP_JOB_ID on $BACKUP_DATABASE: $*" >>"$TRACES/violations"; }
lock="$TRACES/lock.$BACKUP_DATABASE"
owner() { cat "$lock/owner" 2>/dev/null || true; }
# Released by the kernel when the last process of the stage exits, so that a stage that was killed holds nothing.
exec 9>"$TRACES/busy.$BACKUP_DATABASE"
flock --nonblock 9 || violation "another stage works on the database"
`

/** Locks, and counts it as a violation if another job has. */
const lock = `
if ! mkdir "$lock" 2>/dev/null && [ "$(owner)" != "$BACKUP_JOB_ID" ]; then
  violation "the database is locked by '$(owner)'"
  exit 1
fi
echo "$BACKUP_JOB_ID" >"$lock/owner"
echo "$BACKUP_JOB_ID" >>"$TRACES/locks"
`

/** May run more often than once: what was unlocked by a job that crashed is unlocked again. */
const unlock = `
if [ -d "$lock" ]; then
  case "$(owner)" in
    "$BACKUP_JOB_ID" | '') rm -rf "$lock" ;;
    *) violation "the lock is of '$(owner)'" ;;
  esac
fi
`

const ownLock = `[ "$(owner)" = "$BACKUP_JOB_ID" ] || violation "the database is locked by '$(owner)'"`

/** A dump of some 20 to 50 KB that differs each time; one in twenty fails. */
const backup = `
${ownLock}
echo "$BACKUP_JOB_ID" >>"$TRACES/runs"
sleep "0.$((RANDOM % 10))"
if [ $((RANDOM % 20)) = 0 ]; then echo "a deadlock was detected" >&2; exit 3; fi
dump="$TRACES/dump.$BACKUP_JOB_ID"
head -c $((20000 + RANDOM)) /dev/urandom >"$dump"
echo "$(sha256sum <"$dump" | cut -c -64) $BACKUP_DATABASE" >>"$TRACES/dumps"
cat "$dump"
rm "$dump"
${ownLock}
`

const restore = `
${ownLock}
sleep "0.$((RANDOM % 10))"
sum=$(sha256sum | cut -c -64)
grep -q "^$sum $BACKUP_DATABASE$" "$TRACES/dumps" || violation "the restored bytes are no dump of it"
echo "$sum $BACKUP_DATABASE" >>"$TRACES/restores"
${ownLock}
`

const stages = {
  'pre-backup-lock': lock,
  backup,
  'post-backup-unlock': unlock,
  'pre-restore-lock': lock,
  restore,
  'post-restore-unlock': unlock,
}

/** Writes the scripts. @param traces - Where they leave what they see. */
export async function writeWitnesses(folder: string, traces: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await mkdir(traces, { recursive: true })
  await writeFile(join(folder, 'pack.json'), JSON.stringify({ form: 2, name: 'chaos', type: '.dump' }))
  for (const [stage, text] of Object.entries(stages)) {
    await writeFile(join(folder, stage), `TRACES="${traces}"\n${prelude}${text}`)
  }
  for (const file of ['violations', 'locks', 'runs', 'dumps', 'restores']) await writeFile(join(traces, file), '')
}
